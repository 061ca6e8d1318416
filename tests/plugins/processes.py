"""Run `manage.py serve` with real processes in a temporary folder."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Remove the variables that tests/plugins/environment.py sets, to simulate a new machine.
OURS = (
    *("SECRET_KEY", "WEBHOOK_SIGNING_KEYS", "FIELD_ENCRYPTION_KEYS", "PUBLIC_BASE_URL"),
    *("DATABASE_URL", "EMAIL_URL", "DATA_DIR", "DJANGO_SETTINGS_MODULE"),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fresh_environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return kept | {"DATA_DIR": str(folder), "PYTHONWARNINGS": "error::DeprecationWarning"} | more


class Board:
    """A running `manage.py serve` with its output and URL."""

    root = ROOT

    def __init__(self, folder: Path, **more: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / f"serve-{self.port}.log"
        self.environment = fresh_environment(folder, PORT=str(self.port), **more)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=self.root,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait_for("Press Ctrl-C")
        except AssertionError:
            self.process.terminate()
            raise

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def password(self) -> str | None:
        found = re.search(r"with the password (\S+)", self.output)
        return found[1] if found else None

    def wait_for(self, words: str, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def start_board(tmp_path: Path) -> Iterator[Callable[..., Board]]:
    boards: list[Board] = []

    def start(**more: str) -> Board:
        boards.append(Board(tmp_path, **more))
        return boards[-1]

    yield start
    for board in boards:
        if board.process.poll() is None:
            board.interrupt()


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A shared server for tests that do not change it."""
    board = Board(tmp_path_factory.mktemp("board"))
    yield board
    board.interrupt()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spool, which workers read."""
    folder = tmp_path_factory.mktemp("workers")
    migrate = [sys.executable, "manage.py", "migrate", "--database", "spool"]
    environment = os.environ | {"DATA_DIR": str(folder)}
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder
