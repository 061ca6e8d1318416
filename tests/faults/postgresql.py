"""A separate PostgreSQL server that tests can stop and freeze."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.plugins.processes import free_port


def binaries() -> Path | None:
    """The folder with the programs of the newest installed PostgreSQL.

    Debian does not add it to PATH.
    """
    found = [Path(path).resolve().parent for path in (shutil.which("initdb"),) if path]
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    by_version = sorted(installed, key=lambda path: int(path.parts[-3]))
    return next(iter([*found, *(path.parent for path in reversed(by_version))]), None)


class Cluster:
    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="statusboard-pg-"))
        if self._user:
            shutil.chown(self.folder, self._user)
        self.port = free_port()
        self._data = self.folder / "data"
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8")
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nfsync = on\n"
                f"unix_socket_directories = '{self.folder}'\nmax_connections = 60\n"
                "shared_buffers = 32MB\nlog_min_messages = panic\n"
            )
        self.start()
        self.empty()

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/board"

    def empty(self) -> None:
        self.query("DROP DATABASE IF EXISTS board WITH (FORCE)", database="postgres")
        self.query("CREATE DATABASE board", database="postgres")

    def start(self) -> None:
        self._run("pg_ctl", "start", "--wait", "--silent", "--log", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "--wait", "--silent", "--mode", mode)

    def freeze(self) -> None:
        """Suspend all processes: the server keeps and accepts connections, but does not respond."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def connect(self, database: str = "board") -> psycopg.Connection[Any]:
        return psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=postgres dbname={database}", autocommit=True
        )

    def query(self, sql: str, database: str = "board") -> list[tuple[Any, ...]]:
        with self.connect(database) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, "--pgdata", self._data, *arguments],
            user=self._user,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )

    def _signal(self, number: signal.Signals) -> None:
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        # Stop the main process first, so that it starts no new processes meanwhile.
        os.kill(main, number)
        for child in children(main):
            with suppress(ProcessLookupError):
                os.kill(child, number)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
