"""All processes of a highly available installation, on loopback.

    callbacks, pages ─▶ HAProxy ─▶ 3 webhook endpoints, 2 dashboards
    webhook endpoints, workers ─▶ HAProxy ─▶ PostgreSQL primary ─▶ synchronous replica
    dashboards ─▶ PgBouncer ─▶ HAProxy (primary); HAProxy (replica)
    Patroni, one for each PostgreSQL, decides with 3 etcd members which one is the primary

Each webhook endpoint is like a separate server: it has its own spool, and a worker that drains it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from django.test import override_settings

from messages.management.commands.serve import web_server
from statusboard import keyring
from tests.cluster import configuration
from tests.cluster.node import Command, Node
from tests.faults.postgresql import binaries
from tests.plugins.processes import ROOT, free_port, fresh_environment
from tests.waiting import wait_until

PROGRAMS = ("etcd", "patroni", "pgbouncer", "haproxy")
WEBHOOKS, DASHBOARDS, WORKERS = (
    [f"{name}{number}" for number in range(1, count + 1)]
    for name, count in (("webhook", 3), ("dashboard", 2), ("worker", 2))
)
HEALTH_CHECK = 2.0  # seconds: twice the interval of HAProxy's checks
DATABASES = ["database1", "database2"]


def program(name: str) -> str | None:
    """Debian keeps servers out of the PATH of ordinary users."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


class Topology:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="statusboard-cluster-"))
        # PostgreSQL's user must reach its folders.
        self.folder.chmod(0o755)
        self._user = "postgres" if os.getuid() == 0 else None
        self._ports: dict[str, int] = {}
        self.nodes: dict[str, Node] = {}
        self.root = ROOT
        self._secrets: dict[str, str] = {}
        keyring.supply(self._secrets, self.folder / "secrets.env", may_generate=True)

    def start(self) -> None:
        self._start_etcd()
        self._start_patroni()
        self._start_haproxy()
        self._start_pgbouncer()
        wait_until(self._primary_answers, "PostgreSQL has no primary")
        wait_until(self.has_synchronous_replica, "the replica does not follow")
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE board")
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        for name in (*WEBHOOKS, *DASHBOARDS):
            self._start_web(name)
        for name in WEBHOOKS:
            self._start_worker(f"{name}-drain", name, "--only", "drain")
        for name in WORKERS:
            self._start_worker(name, name)
        wait_until(lambda: self.get("/healthz") == 200, "no dashboard answers")

    def stop(self) -> None:
        for node in reversed(self.nodes.values()):
            node.stop()
        self._kill_postgresql(*DATABASES)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port('http')}{path}"

    def get(self, path: str, **headers: str) -> int:
        """The status of the answer of a dashboard; 0 without an answer."""
        return _status(self.url(path), headers)

    def restart_web(self, name: str) -> None:
        """Restart a web process and wait until HAProxy sends requests to it again."""
        self.nodes[name].restart()
        wait_until(lambda: not self._is_up(name), f"{name} does not stop")
        wait_until(lambda: self._is_up(name), f"{name} does not start")
        time.sleep(HEALTH_CHECK)

    def _is_up(self, name: str) -> bool:
        return _status(f"http://127.0.0.1:{self._port(name)}/healthz") == 200

    def add_instance(self, zapi_id: str) -> str:
        """Add an instance and return the URL of its webhook."""
        arguments = ["--name", zapi_id, "--zapi-id", zapi_id, "--token", "t" * 32]
        added = self.manage("instances", "add", *arguments, "--no-push", "--json")
        path: str = json.loads(added)["webhook_url"].split("/webhooks/")[1]
        return self.url(f"/webhooks/{path}")

    def manage(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=self._environment("manage"),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    def query(self, sql: str, database: str = "board") -> list[tuple[Any, ...]]:
        with psycopg.connect(self._dsn(database), autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()

    # ── The database ─────────────────────────────────────────────────────────────────────────────

    def primary(self) -> str:
        return next((name for name in DATABASES if self._role(name) == "primary"), "")

    def replica(self) -> str:
        return next(name for name in DATABASES if name != self.primary())

    def has_synchronous_replica(self) -> bool:
        sql = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        with suppress(psycopg.Error):
            return bool(self.query(sql, database="postgres"))
        return False

    def kill_database(self, name: str) -> None:
        """As if the server lost power: Patroni and PostgreSQL end at once."""
        self.nodes[name].kill(*self._postgresql_pids(name))

    def kill_postgresql(self, name: str) -> None:
        """Kill PostgreSQL, but not Patroni."""
        self._kill_postgresql(name)

    # ── Starting ─────────────────────────────────────────────────────────────────────────────────

    def upgrade(self, root: Path) -> None:
        """Let each Statusboard process run the code in `root` from its next start."""
        self.root = root
        for name in self.nodes:
            if name.startswith(("webhook", "dashboard", "worker")):
                self.nodes[name].command = replace(self.nodes[name].command, folder=root)

    def _start_etcd(self) -> None:
        names = [f"etcd{number}" for number in (1, 2, 3)]
        members = {name: (self._port(name), self._port(f"{name} peer")) for name in names}
        for name in names:
            self._start(name, configuration.etcd(name, self.folder / name, members))

    def _start_patroni(self) -> None:
        found = binaries()
        assert found
        for name in DATABASES:
            folder = self.folder / name
            text = configuration.patroni(
                name,
                folder,
                rest=self._port(f"{name} rest"),
                port=self._port(name),
                etcd_ports=[self._port(f"etcd{number}") for number in (1, 2, 3)],
                binaries=found,
            )
            file = self._owned_file(folder / "patroni.yml", text)
            arguments = [program("patroni") or "", str(file)]
            self._start(name, arguments, folder=folder, user=self._user)

    def _start_haproxy(self) -> None:
        text = configuration.haproxy(
            http=self._port("http"),
            primary=self._port("primary"),
            replica=self._port("replica"),
            webhooks=[self._port(name) for name in WEBHOOKS],
            dashboards=[self._port(name) for name in DASHBOARDS],
            databases=[(self._port(name), self._port(f"{name} rest")) for name in DATABASES],
        )
        file = self.folder / "haproxy.cfg"
        file.write_text(text)
        self._start("haproxy", [program("haproxy") or "", "-db", "-f", str(file)])

    def _start_pgbouncer(self) -> None:
        folder = self.folder / "pgbouncer"
        text = configuration.pgbouncer(
            self._port("pgbouncer"), folder, primary=self._port("primary")
        )
        file = self._owned_file(folder / "pgbouncer.ini", text)
        arguments = [program("pgbouncer") or "", str(file)]
        self._start("pgbouncer", arguments, folder=folder, user=self._user)

    def _start_web(self, name: str) -> None:
        with override_settings(PORT=self._port(name), WEB_WORKERS=1):
            *arguments, application = web_server()
        if name in WEBHOOKS:
            application = "statusboard.wsgi:webhook_application"
        command = [*arguments, application]
        self._start(name, command, folder=self.root, environment=self._environment(name))

    def _start_worker(self, name: str, server: str, *arguments: str) -> None:
        command = [sys.executable, "manage.py", "worker", *arguments]
        self._start(name, command, folder=self.root, environment=self._environment(server))

    def _start(
        self,
        name: str,
        arguments: list[str],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        command = Command(arguments, folder or self.folder, environment or {}, user)
        self.nodes[name] = Node(name, command, self.folder / f"{name}.log")

    # ── Details ──────────────────────────────────────────────────────────────────────────────────

    def _environment(self, server: str) -> dict[str, str]:
        """The environment of the processes on one server; dashboards read through PgBouncer."""
        folder = self.folder / server
        folder.mkdir(exist_ok=True)
        port = self._port("pgbouncer" if server in DASHBOARDS else "primary")
        environment = fresh_environment(
            folder,
            **self._secrets,
            DATABASE_URL=f"postgres://postgres@127.0.0.1:{port}/board",
            REPLICA_DATABASE_URL=f"postgres://postgres@127.0.0.1:{self._port('replica')}/board",
            LOG_LEVEL="WARNING",
        )
        # An option of the test suite, which PgBouncer refuses.
        environment.pop("PGOPTIONS", None)
        return environment

    def _port(self, name: str) -> int:
        return self._ports.setdefault(name, free_port())

    def _dsn(self, database: str) -> str:
        port = self._port("primary")
        return f"host=127.0.0.1 port={port} user=postgres dbname={database} connect_timeout=3"

    def _owned_file(self, path: Path, text: str) -> Path:
        """Write a file in a new folder; both belong to the user that the program runs as."""
        path.parent.mkdir()
        path.write_text(text)
        if self._user:
            shutil.chown(path.parent, self._user)
            shutil.chown(path, self._user)
        return path

    def _primary_answers(self) -> bool:
        with suppress(psycopg.Error):
            psycopg.connect(self._dsn("postgres")).close()
            return True
        return False

    def _role(self, name: str) -> str:
        port = self._port(f"{name} rest")
        with suppress(OSError, ValueError):
            url = f"http://127.0.0.1:{port}/patroni"
            with urllib.request.urlopen(url, timeout=2) as answer:
                role = json.load(answer)["role"]
                return "primary" if role in {"master", "primary"} else str(role)
        return ""

    def _postgresql_pids(self, name: str) -> list[int]:
        with suppress(FileNotFoundError):
            pid = int((self.folder / name / "data" / "postmaster.pid").read_text().split()[0])
            # Without the main process the others end by themselves.
            return [pid]
        return []

    def _kill_postgresql(self, *names: str) -> None:
        for name in names:
            for pid in self._postgresql_pids(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)


def _status(url: str, headers: Mapping[str, str] | None = None) -> int:
    """The status of the answer; 0 without an answer."""
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310
        with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
