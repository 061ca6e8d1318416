"""`make bench-availability`: measure whether other requests slow down callbacks.

The benchmark sends callbacks at a constant rate, first alone and then during each load. Every
figure is the median of several rounds. The server is started with the production command on
PostgreSQL. The mail server and Z-API accept connections but never respond. Latency is measured from
the scheduled send time, so it includes the wait for a thread. Each measurement starts after a
warm-up, because the first callback of a thread also opens its database connection. Needs PostgreSQL
at BENCH_DATABASE_URL and nginx.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.board import ROOT, environment, make_empty, manage, shell
from bench.load import PORT, server
from bench.pressure import FAILED
from bench.table import Figure, print_and_exit
from tests.faults.proxy import Proxy

DATABASE = os.environ.get(
    "BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/statusboard_bench"
)
MESSAGES = 50_000
PACE = 40  # callbacks a second
DATABASE_TIMEOUT = 15  # seconds
WARM_UP = 3  # seconds
# Control: no load on the server, but other programs use every CPU core. A load from clients on the
# same machine cannot give a better result than this.
CONTROL = "control: other programs, busy"
LOADS = {
    "exports": "18 exports as CSV, behind nginx",
    "slow_readers": "20 slow readers",
    "look_ups": "32 look-ups, Z-API silent",
    "resets": "16 password resets, mail server silent",
    "sign_ins": "sign-in posts from many addresses",
    "slow_bodies": "40 slow request bodies",
    "pages": "16 people opening pages without a pause",
}
SESSION = """
from datetime import timedelta
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
user, _ = User.objects.get_or_create(username="bench")
user.groups.add(Group.objects.get(name="Supervisor"))
people = [User(username=f"person{n}", email=f"person{n}@example.com") for n in range(16)]
for person in people:
    person.set_password("bench-" * 4)
User.objects.bulk_create(people)
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""
WEBHOOK = """
from messages.instances.connect import connect
from messages.instances.webhook_keys import WebhookKey, webhook_path
one = connect(name="Bench", zapi_id="bench-instance", token="bench-token")
print(webhook_path(WebhookKey(one.zapi_id, 1)))
"""


@dataclass(frozen=True)
class Answers:
    """Counts of the responses to callbacks, and the latencies in milliseconds."""

    stored: int
    refused: int  # any status except 2xx
    unanswered: int
    times: list[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        return sorted(self.times)[int(len(self.times) * 0.99)]


def callbacks(port: int, path: str, seconds: float) -> Answers:
    """Send callbacks at a constant rate, even if responses are slow."""
    connections = threading.local()
    began = time.monotonic()

    def one(number: int) -> tuple[int, float]:
        due = began + number / PACE
        time.sleep(max(0.0, due - time.monotonic()))
        status = _post(connections, port, path, f"{began:.6f}-{number}")
        return status, (time.monotonic() - due) * 1000

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(one, range(round(seconds * PACE))))
    statuses = [status for status, _ in answers]
    stored, unanswered = statuses.count(200), statuses.count(0)
    times = [took for _, took in answers]
    return Answers(stored, len(answers) - stored - unanswered, unanswered, times)


def _post(connections: threading.local, port: int, path: str, message: str) -> int:
    body = {"instanceId": "bench-instance", "type": "MessageStatusCallback", "status": "SENT"}
    told = {"ids": [message], "phone": "5544999999999", "momment": time.time_ns() // 10**6}
    if not hasattr(connections, "one"):
        connections.one = http.client.HTTPConnection("127.0.0.1", port, timeout=DATABASE_TIMEOUT)
    headers = {"Content-Type": "application/json"}
    try:
        connections.one.request("POST", path, json.dumps(body | told), headers)
        answer = connections.one.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connections.one.close()
        return 0
    return int(answer.status)


@contextmanager
def silent_server() -> Iterator[int]:
    """A server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        held: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        for connection in held:
            connection.close()


@contextmanager
def pressing(kind: str, port: int, seconds: float, session: str) -> Iterator[None]:
    arguments = ["-m", "bench.pressure", kind, str(port), str(seconds), session]
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT)
    try:
        time.sleep(1.5)  # until all clients send requests
        yield
        if process.poll() == FAILED:
            raise SystemExit(f"A page answered 500 to {kind}.")
    finally:
        process.kill()
        process.wait()


@contextmanager
def busy_machine() -> Iterator[None]:
    spin = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Bench:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        make_empty(DATABASE)
        manage(DATABASE, "collectstatic", "--no-input", "--verbosity", "0")
        print(manage(DATABASE, "seed_history", "--messages", str(MESSAGES)))
        self.path = shell(DATABASE, WEBHOOK)
        self.session = shell(DATABASE, SESSION)

    def round_of(self, kind: str) -> tuple[Answers, Answers]:
        """Measure callbacks without and with the load."""
        with self._serving(kind == "exports") as port:
            callbacks(port, self.path, WARM_UP)
            alone = callbacks(port, self.path, self.seconds)
            session = "" if kind in {"resets", "sign_ins"} else self.session
            # The load lasts at most 15 s and must outlast the last scheduled callback.
            with pressing(kind, port, min(15.0, self.seconds + WARM_UP + 4), session):
                callbacks(port, self.path, WARM_UP)
                beside = callbacks(port, self.path, self.seconds)
        return alone, beside

    def control(self) -> tuple[Answers, Answers]:
        with self._serving(behind_nginx=False) as port:
            callbacks(port, self.path, WARM_UP)
            alone = callbacks(port, self.path, self.seconds)
            with busy_machine():
                return alone, callbacks(port, self.path, self.seconds)

    @contextmanager
    def _serving(self, behind_nginx: bool) -> Iterator[int]:
        with silent_server() as silent:
            more = {
                "DEMO": "on",
                "ZAPI_BASE_URL": f"http://127.0.0.1:{silent}",
                "EMAIL_URL": f"smtp://127.0.0.1:{silent}",
                "WEBHOOK_TRUSTED_PROXIES": "127.0.0.1/32",
                "LOG_LEVEL": "CRITICAL",
            }
            with server("statusboard.wsgi:application", environment(DATABASE) | more, self.path):
                if not behind_nginx:
                    yield PORT
                    return
                with tempfile.TemporaryDirectory() as folder:
                    proxy = Proxy(Path(folder), behind=PORT)
                    try:
                        yield proxy.port
                    finally:
                        proxy.stop()


def figures(kind: str, rounds: list[tuple[Answers, Answers]]) -> list[Figure]:
    name = LOADS[kind]
    show(name, rounds)
    lost = sum(beside.refused + beside.unanswered for _, beside in rounds)
    slower = statistics.median(two.p99 / one.p99 for one, two in rounds)
    return [
        Figure(f"{name}: p99 ÷ alone", slower, 3, at_least=False),
        Figure(f"{name}: not answered 2xx", lost, 0, at_least=False),
    ]


def show(name: str, rounds: list[tuple[Answers, Answers]]) -> None:
    alone, beside = ([pair[place] for pair in rounds] for place in (0, 1))
    print(
        f"{name:<42} alone p50 {_median(alone, 'p50'):>5.1f} p99 {_median(alone, 'p99'):>7.1f} ms"
        f"   beside p50 {_median(beside, 'p50'):>7.1f} p99 {_median(beside, 'p99'):>8.1f} ms   "
        f"2xx {sum(one.stored for one in beside)}, 5xx {sum(one.refused for one in beside)}, "
        f"unanswered {sum(one.unanswered for one in beside)}",
        flush=True,
    )


def _median(answers: list[Answers], name: str) -> float:
    values: list[float] = [getattr(one, name) for one in answers]
    return statistics.median(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8, help="of callbacks in each turn (8)")
    parser.add_argument("--rounds", type=int, default=3, help="of each load (3)")
    parser.add_argument("--only", choices=LOADS, action="append", help="one load; may be repeated")
    options = parser.parse_args()
    bench = Bench(options.seconds)
    show(CONTROL, [bench.control() for _ in range(options.rounds)])
    print_and_exit(
        [
            figure
            for kind in options.only or LOADS
            for figure in figures(kind, [bench.round_of(kind) for _ in range(options.rounds)])
        ]
    )


if __name__ == "__main__":
    main()
