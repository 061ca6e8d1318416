"""Posts callbacks to the registered URLs, as Z-API does."""

import http.client
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from .gateway import Gateway, SimulatedInstance
from .scenarios import ScheduledCallback, history, live

_TIMEOUT = 10
# In seconds. If no new URL is set for this long, all instances are considered connected.
_SETTLING_TIME = 2.0
_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari",
    "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
)
# Real requests often offer an upgrade to HTTP/2, which a server may ignore.
_UPGRADE = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`count` is per instance, 0 for no limit. `deliver_to` replaces the scheme and host of URLs.

    `rate`: callbacks per second and instance. `history`: the number of past messages.
    """

    rate: float = 2.0
    count: int = 0
    history: int = 0
    seed: int = 1
    deliver_to: str = ""


class _PastOrder:
    """Makes the threads send the callbacks of past messages in one common order, oldest first.

    Statusboard lists messages in the order of their arrival, so its first page would otherwise look
    unsorted.
    """

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._changed = threading.Condition()

    def add(self, names: Iterable[str]) -> None:
        with self._changed:
            self._next |= dict.fromkeys(names, -math.inf)

    def wait(self, name: str, at: float, stop: threading.Event) -> None:
        with self._changed:
            self._next[name] = at
            self._changed.notify_all()
            while at > min(self._next.values()) and not stop.is_set():
                self._changed.wait(0.2)

    def remove(self, name: str) -> None:
        with self._changed:
            self._next.pop(name, None)
            self._changed.notify_all()


class Emitter:
    """Runs a thread for each instance with a URL. It calls `report` with the text of an error."""

    def __init__(self, gateway: Gateway, plan: Plan, report: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._plan = plan
        self._report = report
        self._random = Random(plan.seed)  # noqa: S311  (it only chooses headers)
        self._threads: dict[str, threading.Thread] = {}
        self._past_order = _PastOrder()

    def run(self, stop: threading.Event) -> None:
        """Post callbacks until stopped or, if the plan has a count, until all are sent."""
        # With a history, wait for more instances, because their callbacks are sent in one order.
        settling_time = _SETTLING_TIME if self._plan.history else 0.0
        waiting, since = 0, 0.0
        while not stop.wait(0.2):
            new = [
                one for one in self._gateway.connected_instances() if one.id not in self._threads
            ]
            if len(new) != waiting:
                waiting, since = len(new), time.monotonic()
            if new and time.monotonic() - since >= settling_time:
                self._start(new, stop)
            threads = list(self._threads.values())
            if self._plan.count and threads and not any(one.is_alive() for one in threads):
                return

    def _start(self, instances: Iterable[SimulatedInstance], stop: threading.Event) -> None:
        new = {one.id: one for one in instances}
        self._past_order.add(new)
        for name, instance in new.items():
            thread = threading.Thread(target=self._send_all, args=(instance, stop), daemon=True)
            self._threads[name] = thread
            thread.start()

    def _send_all(self, instance: SimulatedInstance, stop: threading.Event) -> None:
        began, sent = time.time(), 0
        try:
            for callback in self._callbacks(instance, began):
                if callback.at <= began:
                    self._past_order.wait(instance.id, callback.at, stop)
                else:
                    self._past_order.remove(instance.id)
                if stop.wait(max(0.0, callback.at - time.time())):
                    return
                # Looked up only now, because the URL may have been set while waiting.
                if url := instance.url_for(callback.hook):
                    self._send(instance, url, callback)
                    sent += 1
                if sent == self._plan.count > 0:
                    return
        finally:
            self._past_order.remove(instance.id)

    def _callbacks(self, instance: SimulatedInstance, now: float) -> Iterator[ScheduledCallback]:
        plan, zapi_id, case = self._plan, instance.id, instance.case
        if plan.history:
            yield from history(zapi_id, seed=plan.seed, now=now, messages=plan.history, case=case)
        # Another seed, because the same seed would generate the same messages again.
        yield from live(zapi_id, seed=plan.seed + 1, started=now, rate=plan.rate, case=case)

    def _send(self, instance: SimulatedInstance, url: str, callback: ScheduledCallback) -> None:
        target, path = urlsplit(self._plan.deliver_to or url), urlsplit(url)
        connect = (
            http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        )
        connection = connect(target.hostname or "", target.port, timeout=_TIMEOUT)
        try:
            connection.request(
                "POST",
                f"{path.path}?{path.query}" if path.query else path.path,
                callback.body,
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
        """The headers of captured requests."""
        return {
            "Content-Type": "application/json",
            "Origin": "https://api.z-api.io",
            "Server": "Z-API",
            "User-Agent": self._random.choice(_BROWSERS),
            "z-api-token": token,
            **(_UPGRADE if self._random.random() < 0.5 else {}),
        }
