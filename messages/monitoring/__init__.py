"""What watches the board from outside: is it alive, is it ready, and its figures for Prometheus."""

import os
from pathlib import Path


def forget_processes() -> None:
    """Before any of them starts: what those of earlier starts counted is read at every scrape."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in Path(folder).glob("*.db") if folder else ():
        file.unlink(missing_ok=True)
