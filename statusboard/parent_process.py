"""Processes that end with the one that started them, even if that was killed with SIGKILL.

Otherwise they would keep the port and go on with the code of before an update.
`python -m statusboard.parent_process PID -m granian …` runs what follows as `python` does, as a
child of PID. Linux could send a signal at the parent's death, but other systems cannot.
"""

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

_LOOKS_EVERY: Final = 0.5  # seconds
GRACE: Final = 10.0  # seconds for a process to end by itself before it is killed


def end_with(parent: int) -> None:
    """Stop this process in order once `parent`, which started it, has ended."""
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOKS_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


def _run(arguments: list[str]) -> None:
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    _run(sys.argv[2:])
