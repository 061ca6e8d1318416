import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime

from django.utils import timezone

from messages.models import SecretUnreadableError

from .line_leases import LANES, UNREADABLE, Lanes, Turn, claim, load, settle
from .receiver_calls import Shipped, ship

# How often lines are looked for while others are being served, in seconds.
_LOOK_AGAIN = 0.2


class Forwarder:
    """Serves every line that is due, many at a time, each by a thread that only talks HTTP.

    All that concerns the database happens in the caller's thread, over its one connection.
    """

    def __init__(
        self,
        stop: threading.Event,
        clock: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._stop = stop
        self._clock = clock

    def run(self) -> int:
        """Until nothing is due, or `stop`; gives how many callbacks were taken."""
        under_way: dict[Future[Shipped], Turn] = {}
        done = 0
        with ThreadPoolExecutor(LANES, thread_name_prefix="forward") as pool:
            while True:
                if not self._stop.is_set():
                    under_way |= self._start(pool, under_way)
                if not under_way:
                    return done
                finished, _ = wait(under_way, _LOOK_AGAIN, FIRST_COMPLETED)
                for future in finished:
                    shipped = future.result()
                    settle(under_way.pop(future), shipped, self._clock())
                    done += len(shipped.taken)

    def _start(
        self, pool: ThreadPoolExecutor, under_way: dict[Future[Shipped], Turn]
    ) -> dict[Future[Shipped], Turn]:
        started = {}
        now = self._clock()
        for turn in claim(now, Lanes.taken_by(under_way.values())):
            try:
                started[pool.submit(ship, load(turn), self._stop)] = turn
            except SecretUnreadableError:
                settle(turn, UNREADABLE, now)
        return started
