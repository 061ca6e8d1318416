"""Bounds what pages take of a web process, so that callbacks always find a thread."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Semaphore
from typing import Any, Final

from django.conf import settings

from .body_limit import refusal
from .early_responses import BUSY, Environ, StartResponse, WSGIApplication, answer
from .page_execution_lock import PageExecutionLock

# In bytes. An answer up to this size is handed to the server whole, which then needs no thread for
# a client that reads slowly. The server holds it in memory: for each client that is slow.
MAX_WHOLE: Final = 512 * 1024
# A longer answer is sent in pieces of this size.
_PIECE: Final = 64 * 1024
# Posts there check or set passwords, which takes a third of a second of a processor each.
_PASSWORDS: Final = ("/account/", "/admin/")


def server_threads() -> int:
    """How many threads granian was started with; WEB_THREADS where it does not say.

    Its processes have its command line, so that a limit cannot differ from what it is a limit of.
    """
    option = re.search(r"--blocking-threads[ =](\d+)", " ".join(sys.argv))
    given = option[1] if option else os.environ.get("GRANIAN_BLOCKING_THREADS", "")
    threads: int = int(given) if given.isdigit() else settings.WEB_THREADS
    return threads


class PageConcurrencyLimiter:
    """Serves pages on at most half of the server's threads. The next one is told to try again.

    A page has its thread until its last byte was handed over. So pages cannot keep callbacks
    waiting, however slowly a client sends a form or reads an answer.
    """

    def __init__(self, pages: WSGIApplication, threads: int) -> None:
        self.turns = PageExecutionLock()
        self._pages = pages
        most = max(1, threads // 2)
        self._inside = Semaphore(most)
        self._password_posts = Semaphore(max(1, most // 2))
        self._streams = Semaphore(max(1, most // 3))
        # Of their own, because they need no session: strangers must not use up those of exports.
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
            return  # read within a millisecond, many at a time for one page
        yield self._inside
        if environ["REQUEST_METHOD"] == "POST" and path.startswith(_PASSWORDS):
            yield self._password_posts

    def _serve(
        self, environ: Environ, start_response: StartResponse, slots: "Slots"
    ) -> Iterable[bytes]:
        # With it Django would not give its response, but the server's own kind of file.
        environ.pop("wsgi.file_wrapper", None)
        head: list[Any] = []

        def keep_head(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            head[:] = [status, headers]

        with self.turns.turn():
            response: Any = self._pages(environ, keep_head)
        if getattr(response, "streaming", False):
            stream = Stream(response, self.turns, slots)
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
    """What one request holds, until it releases all of it at once."""

    def __init__(self) -> None:
        self.held: list[Semaphore] = []

    def take(self, *needed: Semaphore) -> bool:
        """Without waiting. Where one is not free, none is taken."""
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
    """An answer sent in pieces. Holds its slots until the server closes it."""

    def __init__(self, response: Any, turns: PageExecutionLock, slots: Slots) -> None:
        self._response = response
        self._chunks = iter(response)
        self._turns = turns
        self._slots = slots
        self._ahead: list[bytes] = []

    def read_ahead(self, size: int) -> bool:
        """Whether the answer ends within so many bytes."""
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
        """In a turn of its own: an export is made while it is sent. Empty at the end."""
        piece = bytearray()
        with self._turns.turn():
            for chunk in self._chunks:
                piece += chunk
                if len(piece) >= _PIECE:
                    break
        return bytes(piece)


def _static_files() -> frozenset[str]:
    """The addresses of what `collectstatic` collected."""
    root: Path = settings.STATIC_ROOT
    files = (path for path in root.rglob("*") if path.is_file())
    return frozenset(f"{settings.STATIC_URL}{path.relative_to(root)}" for path in files)
