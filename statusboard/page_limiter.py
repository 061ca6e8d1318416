"""Limits how much of a web process pages use, so that callbacks always find a thread."""

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any, Final

from django.conf import settings

from .early_responses import BUSY, Environ, StartResponse, WSGIApplication, answer, refusal

# In bytes. An answer up to this size is handed to the server whole. The server then needs memory,
# but no thread, for a client that reads slowly.
MAX_WHOLE: Final = 512 * 1024
# A longer answer is sent in pieces of this size.
_PIECE: Final = 64 * 1024
# A POST to these URLs checks or sets a password, which takes a third of a second of CPU time.
_PASSWORDS: Final = ("/account/", "/admin/")
# Seconds. A page waits at most this long for the previous page, which may itself be waiting for the
# database.
MAX_LOCK_WAIT: Final = 1.0


def server_threads() -> int:
    """The number of threads granian was started with, else WEB_THREADS.

    Granian's worker processes have the same command line, so this is always the real number.
    """
    option = re.search(r"--blocking-threads[ =](\d+)", " ".join(sys.argv))
    given = option[1] if option else os.environ.get("GRANIAN_BLOCKING_THREADS", "")
    threads: int = int(given) if given.isdigit() else settings.WEB_THREADS
    return threads


class PageExecutionLock:
    """Runs one page at a time in a process, so that callbacks do not wait long for the GIL.

    More pages at once would gain nothing. While callbacks arrive, the next page waits as long as
    the last one took. Otherwise somebody who opens pages nonstop would take half of the processor.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._next_at = 0.0
        self._last_callback_at = 0.0

    def note_callback(self) -> None:
        self._last_callback_at = time.monotonic()

    @contextmanager
    def hold(self) -> Iterator[None]:
        is_held = self._lock.acquire(timeout=MAX_LOCK_WAIT)
        try:
            self._rest()
            began = time.monotonic()
            yield
            now = time.monotonic()
            if self._last_callback_at > began:
                self._next_at = now + min(now - began, MAX_LOCK_WAIT)
        finally:
            if is_held:
                self._lock.release()

    def _rest(self) -> None:
        left = self._next_at - time.monotonic()
        if left > 0:
            time.sleep(min(left, MAX_LOCK_WAIT))


class PageConcurrencyLimiter:
    """Serves pages on at most half of the server's threads. More pages get "busy, try again".

    A page keeps its thread until its last byte was handed over, so slow clients cannot make
    callbacks wait.
    """

    def __init__(self, pages: WSGIApplication, threads: int) -> None:
        self.lock = PageExecutionLock()
        self._pages = pages
        most = max(1, threads // 2)
        self._inside = Semaphore(most)
        self._password_posts = Semaphore(max(1, most // 2))
        self._streams = Semaphore(max(1, most // 3))
        # Large static files have their own limit, because anybody can request them. Strangers must
        # not use up the limit of exports.
        self._static_streams = Semaphore(max(1, threads // 10))
        self._static_files = _static_files()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if status := refusal(environ):
            return answer(status, environ, start_response)
        slots = Slots()
        if not slots.take(*self._needed(environ)):
            return answer(BUSY, environ, start_response)
        try:
            return self._serve(environ, start_response, slots)
        except BaseException:
            slots.release()
            raise

    def _needed(self, environ: Environ) -> Iterator[Semaphore]:
        path = environ.get("PATH_INFO", "")
        if path in self._static_files:
            # No limit: a static file is read within a millisecond, and one page loads many of them.
            return
        yield self._inside
        if environ["REQUEST_METHOD"] == "POST" and path.startswith(_PASSWORDS):
            yield self._password_posts

    def _serve(
        self, environ: Environ, start_response: StartResponse, slots: "Slots"
    ) -> Iterable[bytes]:
        # If this key is set, Django returns the server's file wrapper for a file, and not
        # its own response object, which is needed below.
        environ.pop("wsgi.file_wrapper", None)
        head: list[Any] = []

        def keep_head(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            head[:] = [status, headers]

        with self.lock.hold():
            response: Any = self._pages(environ, keep_head)
        if getattr(response, "streaming", False):
            stream = Stream(response, self.lock, slots)
            if stream.read_ahead(MAX_WHOLE):
                body = stream.finish()
            elif slots.take(self._streams if slots.held else self._static_streams):
                start_response(*head)
                return stream
            else:
                stream.close()
                return answer(BUSY, environ, start_response)
        else:
            body = response.content
            response.close()
            slots.release()
        start_response(*head)
        return [body]


class Slots:
    """The semaphores that one request holds."""

    def __init__(self) -> None:
        self.held: list[Semaphore] = []

    def take(self, *needed: Semaphore) -> bool:
        """Take all of them or none, without waiting."""
        for count, semaphore in enumerate(needed):
            if not semaphore.acquire(blocking=False):
                for taken in needed[:count]:
                    taken.release()
                return False
        self.held += needed
        return True

    def release(self) -> None:
        while self.held:
            self.held.pop().release()


class Stream:
    """An answer sent in pieces. It holds its slots until the server closes it."""

    def __init__(self, response: Any, lock: PageExecutionLock, slots: Slots) -> None:
        self._response = response
        self._chunks = iter(response)
        self._lock = lock
        self._slots = slots
        self._ahead: list[bytes] = []

    def read_ahead(self, size: int) -> bool:
        """Whether the answer ends within this many bytes."""
        while sum(map(len, self._ahead)) <= size:
            if not (piece := self._read_piece()):
                return True
            self._ahead.append(piece)
        return False

    def finish(self) -> bytes:
        self.close()
        return b"".join(self._ahead)

    def __iter__(self) -> Iterator[bytes]:
        yield b"".join(self._ahead)
        self._ahead.clear()
        while piece := self._read_piece():
            yield piece

    def close(self) -> None:
        try:
            self._response.close()
        finally:
            self._slots.release()

    def _read_piece(self) -> bytes:
        """The next piece, empty at the end. An export is generated while it is sent."""
        piece = bytearray()
        with self._lock.hold():
            for chunk in self._chunks:
                piece += chunk
                if len(piece) >= _PIECE:
                    break
        return bytes(piece)


def _static_files() -> frozenset[str]:
    """The paths of the files that `collectstatic` collected."""
    root: Path = settings.STATIC_ROOT
    files = (path for path in root.rglob("*") if path.is_file())
    return frozenset(f"{settings.STATIC_URL}{path.relative_to(root)}" for path in files)
