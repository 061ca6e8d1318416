"""A process that is started again when it ends, as systemd does it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.postgresql import children

RESTART_AFTER = 1.0  # seconds, like RestartSec= of a systemd unit


@dataclass
class Command:
    """What a node runs. Replace it to change what the next start runs."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    # PostgreSQL, Patroni and PgBouncer refuse to run as root.
    user: str | None = None


class Node:
    def __init__(self, name: str, command: Command, log: Path) -> None:
        self.name = name
        self.command = command
        self._log = log
        self._stopping = threading.Event()
        self._is_kept_down = False
        self._process = self._spawn()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def kill(self, *also: int) -> None:
        """Send SIGKILL to the process and its children, and to the processes `also`."""
        for pid in (*also, *_family(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def keep_down(self) -> None:
        """Do not start the process again until bring_back()."""
        self._is_kept_down = True

    def bring_back(self) -> None:
        self._is_kept_down = False

    def restart(self) -> None:
        """Stop the process in order; the supervisor starts it again."""
        self._process.terminate()

    def stop(self) -> None:
        self._stopping.set()
        self._supervisor.join()
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def _supervise(self) -> None:
        while not self._stopping.wait(0.05):
            has_ended = self._process.poll() is not None and not self._is_kept_down
            if has_ended and not self._stopping.wait(RESTART_AFTER):
                self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            log.write(f"── {time.strftime('%H:%M:%S')} started\n".encode())
            return subprocess.Popen(
                self.command.arguments,
                cwd=self.command.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **self.command.environment},
                stdout=log,
                stderr=log,
                user=self.command.user,
                start_new_session=True,
            )


def _family(pid: int) -> list[int]:
    """The process and its descendants; parents first, so that none starts another."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [pid, *(one for child in children(pid) for one in _family(child))]
    return [pid]
