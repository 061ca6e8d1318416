"""The real web server and worker processes, for fault injection."""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from django.test import override_settings

from messages.management.commands.serve import web_server
from tests.faults.postgresql import children
from tests.plugins.processes import ROOT, free_port, fresh_environment
from tests.waiting import wait_until


class Door:
    """A web server with its own folder and database, and optional workers."""

    def __init__(self, folder: Path, database_url: str = "", **more: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.spool = Path(more.get("SPOOL_PATH", folder / "spool.sqlite3"))
        database = {"DATABASE_URL": database_url} if database_url else {}
        self.environment = fresh_environment(
            folder, STATUSBOARD_GENERATE_SECRETS="1", LOG_LEVEL="WARNING", **database, **more
        )
        self._processes: list[subprocess.Popen[bytes]] = []
        self.manage("migrate")
        with override_settings(PORT=self.port):
            self._web_command = web_server()
        self._web = self._spawn(self._web_command)
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise)
        self._supervisor.start()
        wait_until(self._listens, "the web server does not listen")

    def start_worker(self, *arguments: str) -> None:
        self._spawn([sys.executable, "manage.py", "worker", *arguments])

    def reload(self) -> None:
        """Send SIGHUP to the main process; wait until all web processes are new."""
        old = set(children(self._web.pid))
        os.kill(self._web.pid, signal.SIGHUP)
        wait_until(lambda: not old & set(children(self._web.pid)), "an old process is left")

    def kill_a_worker(self) -> None:
        """Send SIGKILL to one web process."""
        wait_until(lambda: children(self._web.pid), "no process answers")
        os.kill(random.choice(children(self._web.pid)), signal.SIGKILL)

    def kill_the_server(self) -> None:
        """Send SIGKILL to all web server processes at once."""
        os.killpg(self._web.pid, signal.SIGKILL)
        self._web.wait()
        wait_until(self._listens, "the web server is not started again")

    def add_instance(self, zapi_id: str) -> str:
        """Add an instance and return the URL of its webhook."""
        arguments = ["--name", zapi_id, "--zapi-id", zapi_id, "--token", "t" * 32]
        added = self.manage("instances", "add", *arguments, "--no-push", "--json")
        path: str = json.loads(added)["webhook_url"].split("/webhooks/")[1]
        return f"http://127.0.0.1:{self.port}/webhooks/{path}"

    def manage(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    def in_spool(self, where: str = "cause = ''") -> int:
        if not self.spool.exists():
            return 0
        with closing(sqlite3.connect(self.spool)) as file:
            sql = f"SELECT count(*) FROM whatsapp_spooledcallback WHERE {where}"
            return int(file.execute(sql).fetchone()[0])

    def log(self) -> str:
        """The log output of all processes."""
        return (self.folder / "log").read_text()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL on the embedded SQLite database and return the rows."""
        with closing(_autocommitting(self.folder / "statusboard.sqlite3")) as file:
            return file.execute(sql).fetchall()

    def stop(self) -> None:
        self._stopping.set()
        self._supervisor.join()
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _supervise(self) -> None:
        """Restart the server when it exits, as the docs recommend.

        granian exits if one of its processes dies twice within seconds.
        """
        while not self._stopping.wait(0.05):
            if self._web.poll() is not None:
                self._web = self._spawn(self._web_command)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        log = (self.folder / "log").open("ab")
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self._processes.append(process)
        return process

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _autocommitting(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=30, isolation_level=None)
