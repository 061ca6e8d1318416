"""Whether something can be relied on at the moment, known to every thread without asking it."""

import threading
from collections.abc import Callable


class CircuitBreaker:
    """Opened by whoever meets a failure; closed by a thread that probes while it is open.

    Nobody waits for what does not answer, save the first who meet it and the thread.
    """

    def __init__(self, probe: Callable[[], None], *, every: float) -> None:
        """`probe` raises while things are not well again; it is called every `every` seconds."""
        self._probe = probe
        self._every = every
        self._closed = threading.Event()
        self._closed.set()
        self._starting = threading.Lock()
        self._prober: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        if self._closed.is_set():
            return False
        # Also where the thread has not come along into a forked process.
        self._start_prober()
        return True

    def open(self) -> None:
        self._closed.clear()
        self._start_prober()

    def doubt(self) -> None:
        """Open unless the probe succeeds now: what was met may have been one caller's own fault."""
        try:
            self._probe()
        except Exception:  # of any kind: it is not well
            self.open()

    def close(self) -> None:
        self._closed.set()

    def _start_prober(self) -> None:
        with self._starting:
            if self._prober is None or not self._prober.is_alive():
                self._prober = threading.Thread(
                    target=self._probe_until_well, name="breaker", daemon=True
                )
                self._prober.start()

    def _probe_until_well(self) -> None:
        while not self._closed.wait(self._every):
            try:
                self._probe()
            except Exception:  # noqa: S112  (of any kind: it is not well yet)
                continue
            self.close()
