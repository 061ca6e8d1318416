"""What watches the board from outside: is it alive, is it ready, and its figures for Prometheus."""

import os
from pathlib import Path


def forget_processes() -> None:
    """Called before any process starts: an earlier run's counts would be added at each scrape."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in Path(folder).glob("*.db") if folder else ():
        file.unlink(missing_ok=True)
