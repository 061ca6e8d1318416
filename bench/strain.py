"""Stress the webhook endpoint: long runs, busy dashboards, unknown callers and too large bodies."""

import gzip
import http.client
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bench.board import ROOT
from bench.load import PORT, load, memory_of_largest_worker, ratio
from bench.table import Figure

if TYPE_CHECKING:
    from bench.ingest import Bench

FEW, MANY = 50_000, 500_000
STRANGERS = HEALTHY = 8  # connections
# The decompressed size. The plain body is above the limit; the gzip body is below it.
HUGE = 64 * 2**20
WRONG = "/webhooks/zapi/c29tZWJvZHk.1.wrong-wrong-wrong-wrong-wrong-wrong-wrong-wr/"
SIGN_IN = """
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
user, _ = User.objects.get_or_create(username="bench")
user.groups.add(Group.objects.get(name="Support"))
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""


def strain(bench: "Bench", few: int = FEW, many: int = MANY) -> list[Figure]:
    return [soak(bench, few, many), *hammered(bench), *strangers(bench), too_large(bench)]


def soak(bench: "Bench", few: int, many: int) -> Figure:
    """A worker's memory after many callbacks, divided by its memory after a tenth of them."""
    with bench.serving() as pid:
        after_few = _memory_after(bench, pid, few)
        after_many = _memory_after(bench, pid, many - few)
    name = f"memory after {many:,} callbacks ÷ after {few:,}"
    return Figure(name, after_many / after_few, 1.02, at_least=False)


def hammered(bench: "Bench") -> list[Figure]:
    """Compare the callback rate during constant page views with the rate without them."""
    cookie = f"sessionid={bench.shell(SIGN_IN)}"
    alone, beside = [], []
    for _ in range(bench.rounds):
        with bench.serving():
            load(bench.path, 1)
            alone.append(load(bench.path, bench.seconds))
            _require_page(cookie)
            with _pages(cookie, bench.seconds):
                beside.append(load(bench.path, bench.seconds))
    return [Figure("ingest beside hammered dashboards ÷ alone", ratio(beside, alone), 0.70)]


def strangers(bench: "Bench") -> list[Figure]:
    """Measure valid callbacks during a flood of wrong keys.

    Count the rows that wrong keys write.
    """
    alone, beside = [], []
    for _ in range(bench.rounds):
        with bench.serving():
            load(bench.path, 1)
            alone.append(load(bench.path, bench.seconds, connections=HEALTHY))
            with _wrong_keys(bench.seconds):
                beside.append(load(bench.path, bench.seconds, connections=HEALTHY))
    with bench.serving():
        before = bench.rows()
        load(WRONG, bench.seconds, connections=STRANGERS)
        written = bench.rows() - before
    slower = ratio(beside, alone, "p99_ms")
    return [
        Figure("healthy p99 beside wrong keys ÷ alone", slower, 1.3, at_least=False),
        Figure("rows written by wrong keys", written, 0, at_least=False),
    ]


def too_large(bench: "Bench") -> Figure:
    """The growth of a worker's peak memory caused by too large bodies."""
    with bench.serving() as pid:
        load(bench.path, bench.seconds)
        before = memory_of_largest_worker(pid)
        body = b" " * HUGE
        answers = {_post(bench.path, body, {}) for _ in range(8)}
        packed = gzip.compress(body)
        answers |= {_post(bench.path, packed, {"Content-Encoding": "gzip"}) for _ in range(8)}
        # 0: the server closed the connection before the whole body was sent.
        assert answers <= {413, 0}, answers
        grown = memory_of_largest_worker(pid, "VmHWM") - before
    return Figure("memory for bodies over the cap", grown, 20, at_least=False, unit=" MiB")


def _memory_after(bench: "Bench", pid: int, callbacks: int) -> float:
    sent = 0.0
    while sent < callbacks:
        sent += load(bench.path, bench.seconds).rate * bench.seconds
    return memory_of_largest_worker(pid)


@contextmanager
def _pages(cookie: str, seconds: float) -> Iterator[None]:
    with _beside("-c4", f"-d{round(seconds)}s", "-H", f"Cookie: {cookie}", _url("/")):
        yield


@contextmanager
def _wrong_keys(seconds: float) -> Iterator[None]:
    arguments = [f"-c{STRANGERS}", f"-d{round(seconds)}s", "-s", "bench/load.lua"]
    with _beside(*arguments, _url(WRONG), "--", "0", "stranger-", "zapi"):
        yield


@contextmanager
def _beside(*arguments: str) -> Iterator[None]:
    process = subprocess.Popen(["wrk", "-t1", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.wait()


def _require_page(cookie: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    connection.request("GET", "/", headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200, f"the page answers {answer.status}"
    connection.close()


def _post(path: str, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    with suppress(OSError, http.client.HTTPException, socket.timeout):
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        return connection.getresponse().status
    return 0


def _url(path: str) -> str:
    return f"http://127.0.0.1:{PORT}{path}"
