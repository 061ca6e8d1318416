"""A circuit breaker: remembers that a service is unavailable, so that no thread waits for it."""

import threading
from collections.abc import Callable


class CircuitBreaker:
    """The caller opens it after a failure. A thread probes the service and closes it again.

    Only the first callers and that thread wait for the unavailable service.
    """

    def __init__(self, probe: Callable[[], None], *, every: float) -> None:
        """`probe` is called every `every` seconds, and raises while the service is unavailable."""
        self.probe = probe
        self._every = every
        self._closed = threading.Event()
        self._closed.set()
        self._starting = threading.Lock()
        self._prober: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        if self._closed.is_set():
            return False
        # A forked process does not inherit the thread.
        self._start_prober()
        return True

    def open(self) -> None:
        self._closed.clear()
        self._start_prober()

    def open_unless_available(self) -> None:
        """Open the breaker if the probe fails now.

        The caller's query may have failed for another reason, such as a bug in the query.
        """
        try:
            self.probe()
        except Exception:
            self.open()

    def close(self) -> None:
        self._closed.set()

    def _start_prober(self) -> None:
        with self._starting:
            if self._prober is None or not self._prober.is_alive():
                self._prober = threading.Thread(
                    target=self._probe_until_available, name="breaker", daemon=True
                )
                self._prober.start()

    def _probe_until_available(self) -> None:
        while not self._closed.wait(self._every):
            try:
                self.probe()
            except Exception:  # noqa: S112  (still unavailable)
                continue
            self.close()
