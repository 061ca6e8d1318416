"""In which language and zone, and at what time, somebody looks: what words of times depend on."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import get_language


class Viewpoint(NamedTuple):
    language: str | None
    zone: tzinfo
    now: datetime


_held: ContextVar[Viewpoint | None] = ContextVar("viewpoint", default=None)


def viewpoint() -> Viewpoint:
    return _held.get() or _present()


@contextmanager
def one_viewpoint() -> Iterator[None]:
    """For a page that never changes its language: Django is asked once, not for each time on it.

    A list shows hundreds, and asking took a tenth of what the whole page does.
    """
    token = _held.set(_present())
    try:
        yield
    finally:
        _held.reset(token)


def _present() -> Viewpoint:
    return Viewpoint(get_language(), timezone.get_current_timezone(), timezone.now())
