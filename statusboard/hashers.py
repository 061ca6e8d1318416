"""Hashes passwords one at a time in each process, at the lowest priority."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher

_NICENESS = 19


def _lower_priority() -> None:
    # On Linux each thread has a priority. Elsewhere this would change the whole process.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


# The thread starts with the first password, so that it survives a fork of the server.
_executor = ThreadPoolExecutor(1, "hashing", initializer=_lower_priority)


class QueuedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's hasher, in a separate thread.

    A hash takes a third of a second of CPU time. Otherwise many sign-in attempts would take all
    CPUs away from callbacks.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        try:
            hashing = _executor.submit(super().encode, password, salt, iterations)
        except RuntimeError:  # the process is ending
            return super().encode(password, salt, iterations)
        return hashing.result()
