"""A client like Z-API.

It sends callbacks over several connections and repeats each until it is acknowledged.
"""

import http.client
import itertools
import json
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.waiting import wait_until

EPOCH = 1_795_338_000_000
Payload = dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """One POST and its result; status 0 if the connection failed."""

    started_at: float
    seconds: float
    status: int
    outcome: str


def lives(start: int = 0) -> Iterator[Payload]:
    """Yield callbacks of messages: sent, delivered, read. One callback in three has several ids."""
    for number in itertools.count(start):
        ids = [f"M{number}"] if number % 3 else [f"M{number}", f"M{number}-2", f"M{number}-3"]
        for step, status in enumerate(("SENT", "RECEIVED", "READ")):
            yield {
                "type": "MessageStatusCallback",
                "status": status,
                "ids": ids,
                "momment": EPOCH + number * 1000 + step * 60_000,
                "phone": f"5544{number % 900:09}",
                "phoneDevice": 0,
            }


class Load:
    """Post callbacks from several threads during the `with` block.

    Wait for all acknowledgements at its end.
    """

    def __init__(
        self,
        url: str,
        payloads: Iterable[Payload],
        *,
        connections: int = 8,
        pause: float = 0.03,
        keep_alive: bool = True,
    ) -> None:
        """`pause` is the wait of each connection between callbacks.

        So the load does not use the whole machine.
        """
        self._url = urlsplit(url)
        self._headers = {"Content-Type": "application/json"}
        if not keep_alive:
            self._headers["Connection"] = "close"
        self._payloads = iter(payloads)
        self._taking = threading.Lock()
        self._pause = pause
        self._enough = threading.Event()
        self._seen: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self.acknowledged: list[Payload] = []
        self._given_up = threading.Event()
        self._local = threading.local()
        self._threads = [
            threading.Thread(target=self._run, daemon=True) for _ in range(connections)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._enough.set()
        if error is None:
            self.finish()
        else:
            # The test has failed: stop its threads before the next test starts.
            self.give_up()

    def give_up(self) -> None:
        """Send no more, also not what is not acknowledged yet."""
        self._enough.set()
        self._given_up.set()

    def finish(self) -> None:
        """Wait until every started callback is acknowledged, or all if their number is limited."""
        wait_until(
            lambda: not any(thread.is_alive() for thread in self._threads),
            "a callback was never acknowledged",
            progress=lambda: len(self.acknowledged),
        )

    def attempts(self) -> list[Attempt]:
        """Return the attempts since the last call."""
        return [self._seen.get() for _ in range(self._seen.qsize())]

    def wait_for_attempts(self, count: int) -> None:
        """Wait for `count` attempts since the last call of attempts()."""
        wait_until(
            lambda: self._seen.qsize() >= count,
            "hardly anything is answered",
            progress=self._seen.qsize,
        )

    def wait_for(self, count: int) -> None:
        """Wait until `count` more callbacks are acknowledged."""
        goal = len(self.acknowledged) + count
        wait_until(
            lambda: len(self.acknowledged) >= goal,
            "too little was acknowledged",
            progress=lambda: len(self.acknowledged),
        )

    def _run(self) -> None:
        try:
            while not self._enough.is_set() and (payload := self._next()):
                self._send_until_acknowledged(payload)
                time.sleep(self._pause)
        finally:
            self._close()

    def _next(self) -> Payload | None:
        with self._taking:
            return next(self._payloads, None)

    def _send_until_acknowledged(self, payload: Payload) -> None:
        body = json.dumps(payload).encode()
        while not self._given_up.is_set():
            attempt = self._post(body)
            self._seen.put(attempt)
            if 200 <= attempt.status < 300:
                self.acknowledged.append(payload)
                return
            time.sleep(0.1)

    def _post(self, body: bytes) -> Attempt:
        connection = self._connection()
        started_at = time.monotonic()
        try:
            connection.request("POST", self._url.path, body, self._headers)
            answer = connection.getresponse()
            content, status = answer.read(), answer.status
        except (OSError, http.client.HTTPException):
            self._close()
            content, status = b"", 0
        seconds = time.monotonic() - started_at
        outcome = json.loads(content)["outcome"] if 200 <= status < 300 else ""
        return Attempt(started_at, seconds, status, outcome)

    def _connection(self) -> http.client.HTTPConnection:
        if getattr(self._local, "connection", None) is None:
            self._local.connection = http.client.HTTPConnection(
                self._url.hostname or "", self._url.port, timeout=15
            )
        connection: http.client.HTTPConnection = self._local.connection
        return connection

    def _close(self) -> None:
        if connection := getattr(self._local, "connection", None):
            connection.close()
        self._local.connection = None


def send_all(url: str, payloads: Iterable[Payload], *, connections: int = 1) -> None:
    """Send each callback once, in order if there is one connection."""
    load = Load(url, payloads, connections=connections, pause=0)
    load.start()
    load.finish()
