"""Tells the stories to whoever registered a URL, as Z-API does: POST after POST."""

import http.client
import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from .gateway import Gateway, RememberedInstance
from .scenarios import Emission, history, live

_TIMEOUT = 10
# Within so many seconds a board that connects several instances has registered the next one's URL.
_SETTLED = 2.0
_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari",
    "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
)
# Real requests often offer to change to HTTP/2, which a server is free to ignore.
_UPGRADE = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`count` is per instance, 0 for no end. `deliver_to` stands in for scheme and host of URLs."""

    rate: float = 2.0
    count: int = 0
    history: int = 0
    seed: int = 1
    deliver_to: str = ""


class _InTurn:
    """Threads that tell of the past tell it as one: whose next callback is the oldest goes first.

    The board lists messages as it hears of them: told one instance after the other, or at each
    thread's own speed, its first page would look unsorted.
    """

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._changed = threading.Condition()

    def enter(self, names: Iterable[str]) -> None:
        with self._changed:
            self._next |= dict.fromkeys(names, -math.inf)

    def wait(self, name: str, at: float, stop: threading.Event) -> None:
        with self._changed:
            self._next[name] = at
            self._changed.notify_all()
            while at > min(self._next.values()) and not stop.is_set():
                self._changed.wait(0.2)

    def leave(self, name: str) -> None:
        with self._changed:
            self._next.pop(name, None)
            self._changed.notify_all()


class Emitter:
    """One thread for each instance that has registered a URL. `report` hears what goes wrong."""

    def __init__(self, gateway: Gateway, plan: Plan, report: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._plan = plan
        self._report = report
        self._random = Random(plan.seed)  # noqa: S311  (which browser to claim to be)
        self._threads: dict[str, threading.Thread] = {}
        self._turns = _InTurn()

    def run(self, stop: threading.Event) -> None:
        """Emit until stopped or, where the plan has a count, until every instance has had it."""
        waiting, since = 0, 0.0
        while not stop.wait(0.2):
            fresh = [one for one in self._gateway.hooked() if one.id not in self._threads]
            if len(fresh) != waiting:
                waiting, since = len(fresh), time.monotonic()
            if fresh and time.monotonic() - since >= self._patience:
                self._start(fresh, stop)
            threads = list(self._threads.values())
            if self._plan.count and threads and not any(one.is_alive() for one in threads):
                return

    @property
    def _patience(self) -> float:
        """Who has a past to tell of waits for those that register their URLs right after."""
        return _SETTLED if self._plan.history else 0.0

    def _start(self, instances: Iterable[RememberedInstance], stop: threading.Event) -> None:
        fresh = {one.id: one for one in instances}
        self._turns.enter(fresh)
        for name, instance in fresh.items():
            thread = threading.Thread(target=self._tell, args=(instance, stop), daemon=True)
            self._threads[name] = thread
            thread.start()

    def _tell(self, instance: RememberedInstance, stop: threading.Event) -> None:
        began, sent = time.time(), 0
        try:
            for emission in self._stories(instance.id, began):
                if emission.at <= began:
                    self._turns.wait(instance.id, emission.at, stop)
                else:
                    self._turns.leave(instance.id)
                if stop.wait(max(0.0, emission.at - time.time())):
                    return
                # Asked when its time has come: what is not hooked now may be hooked then.
                if instance.url_for(emission.hook):
                    self._send(instance, emission)
                    sent += 1
                if sent == self._plan.count > 0:
                    return
        finally:
            self._turns.leave(instance.id)

    def _stories(self, zapi_id: str, now: float) -> Iterator[Emission]:
        plan = self._plan
        yield from history(zapi_id, seed=plan.seed, now=now, messages=plan.history)
        # Another seed: the same one would tell of the same messages again.
        yield from live(zapi_id, seed=plan.seed + 1, started=now, rate=plan.rate)

    def _send(self, instance: RememberedInstance, emission: Emission) -> None:
        url = instance.url_for(emission.hook)
        if not url:
            return
        target, path = urlsplit(self._plan.deliver_to or url), urlsplit(url)
        connect = (
            http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        )
        connection = connect(target.hostname or "", target.port, timeout=_TIMEOUT)
        try:
            connection.request(
                "POST",
                f"{path.path}?{path.query}" if path.query else path.path,
                json.dumps(emission.payload).encode(),
                self._headers(instance.token),
            )
            status = connection.getresponse().status
            if not 200 <= status < 300:
                self._report(f"A callback to {target.netloc} was answered {status}.")
        except (OSError, http.client.HTTPException) as error:
            self._report(f"A callback to {target.netloc} failed: {type(error).__name__}.")
        finally:
            connection.close()

    def _headers(self, token: str) -> dict[str, str]:
        """Give what every captured request carried."""
        return {
            "Content-Type": "application/json",
            "Origin": "https://api.z-api.io",
            "Server": "Z-API",
            "User-Agent": self._random.choice(_BROWSERS),
            "z-api-token": token,
            **(_UPGRADE if self._random.random() < 0.5 else {}),
        }
