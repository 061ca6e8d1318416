import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime

from django.utils import timezone

from messages.models import SecretUnreadableError

from .line_leases import LANES, UNREADABLE, Lanes, LineLease, claim, load, settle
from .receiver_calls import DeliveryResult, deliver

# Seconds between two searches for due lines while others are being delivered.
_POLL_SECONDS = 0.2


class Forwarder:
    """Deliver all due lines, many at the same time, each in a thread that only does HTTP.

    The caller's thread does all the database work, over one connection.
    """

    def __init__(
        self,
        stop: threading.Event,
        clock: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._stop = stop
        self._clock = clock

    def run(self) -> int:
        """Run until nothing is due or `stop` is set. Return how many callbacks were delivered."""
        running: dict[Future[DeliveryResult], LineLease] = {}
        done = 0
        with ThreadPoolExecutor(LANES, thread_name_prefix="forward") as pool:
            while True:
                if not self._stop.is_set():
                    running |= self._start(pool, running)
                if not running:
                    return done
                finished, _ = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
                for future in finished:
                    result = future.result()
                    settle(running.pop(future), result, self._clock())
                    done += len(result.delivered)

    def _start(
        self, pool: ThreadPoolExecutor, running: dict[Future[DeliveryResult], LineLease]
    ) -> dict[Future[DeliveryResult], LineLease]:
        started = {}
        now = self._clock()
        for lease in claim(now, Lanes.used_by(running.values())):
            try:
                started[pool.submit(deliver, load(lease), self._stop)] = lease
            except SecretUnreadableError:
                settle(lease, UNREADABLE, now)
        return started
