import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], complaint: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds:.0f} s {complaint}"
        time.sleep(0.05)
