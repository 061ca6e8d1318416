"""Starts, watches and stops several processes as one."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Self

from django.conf import settings

from statusboard.parent_process import GRACE


def python(*arguments: str) -> list[str]:
    """The command line that runs the same Python interpreter."""
    return [sys.executable, *arguments]


@dataclass
class _Member:
    name: str
    command: Sequence[str]
    essential: bool
    process: subprocess.Popen[bytes]


class ProcessGroup:
    """If an essential member ends, all end. Any other member is started again.

    Used as a context manager: leaving the block stops every member.
    """

    def __init__(self) -> None:
        self._members: list[_Member] = []
        self._stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_all()

    def start(self, name: str, command: Sequence[str], *, essential: bool = False) -> None:
        """`command` comes from `python()`."""
        self._members.append(_Member(name, command, essential, _spawn(command)))

    def wait_for_port(self, host: str, port: int, seconds: float = 30) -> None:
        """Return when the port accepts connections. Raises SystemExit if a process ends first."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop.is_set():
            self._require_alive()
            with socket.socket() as probe:
                if probe.connect_ex((host, port)) == 0:
                    return
            time.sleep(0.1)
        raise SystemExit(f"Nothing answered on {host}:{port} within {seconds:.0f} s.")

    def run_until_stopped(self) -> None:
        """Wait for a signal. Raises SystemExit if an essential process ends on its own."""
        while not self._stop.wait(1.0):
            self._require_alive()

    def _stop_all(self) -> None:
        for member in self._members:
            member.process.terminate()
        deadline = time.monotonic() + GRACE
        for member in self._members:
            try:
                member.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                member.process.kill()

    def _require_alive(self) -> None:
        for member in self._members:
            code = member.process.poll()
            if code is None or self._stop.is_set():
                continue
            if member.essential:
                raise SystemExit(f"The {member.name} process ended by itself (exit {code}).")
            member.process = _spawn(member.command)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()


def _spawn(command: Sequence[str]) -> subprocess.Popen[bytes]:
    interpreter, *arguments = command
    ends_with_us = [interpreter, "-m", "statusboard.parent_process", str(os.getpid()), *arguments]
    # In a session of its own: only this process gets Ctrl-C, and it stops the others in order.
    return subprocess.Popen(ends_with_us, cwd=settings.BASE_DIR, start_new_session=True)  # noqa: S603
