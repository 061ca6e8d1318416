"""Passwords are hashed one at a time in each process, behind everything else that wants to run."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher

_NICENESS = 19


def _step_back() -> None:
    # On Linux a priority belongs to a thread; elsewhere it would be that of the whole process.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


# Its thread is started by the first password, so that it is not lost where a server forks.
_executor = ThreadPoolExecutor(1, "hashing", initializer=_step_back)


class QueuedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's own hasher on a thread of its own.

    A hash takes a third of a second of a processor. Sign-in attempts of many strangers would
    otherwise take all processors from callbacks.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        try:
            hashing = _executor.submit(super().encode, password, salt, iterations)
        except RuntimeError:  # the process is about to end
            return super().encode(password, salt, iterations)
        return hashing.result()
