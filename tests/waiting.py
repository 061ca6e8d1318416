import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], object],
    complaint: str,
    seconds: float = 180,
    *,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Wait until a condition is true.

    Fail after `seconds`, or after `seconds` without a change of `progress()`.
    """
    seen, deadline = progress(), time.monotonic() + seconds
    while not condition():
        if (now := progress()) != seen:
            seen, deadline = now, time.monotonic() + seconds
        assert time.monotonic() < deadline, f"after {seconds:.0f} s {complaint}"
        time.sleep(0.05)
