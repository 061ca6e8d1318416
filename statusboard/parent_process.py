"""Ends a process when its parent ends, even if the parent was killed with SIGKILL.

Otherwise it would keep the port and run the old code after an update.
`python -m statusboard.parent_process PID -m granian …` runs `python -m granian …`, as a child of
PID. Linux can send a signal when the parent dies, but other systems cannot.
"""

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

_CHECK_EVERY: Final = 0.5  # seconds
GRACE: Final = 10.0  # seconds for an orderly end before it is killed


def end_with(parent: int) -> None:
    """Stop this process in an orderly way when `parent`, its parent process id, has ended."""
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_CHECK_EVERY)
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
