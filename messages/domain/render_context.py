"""In which language and zone, and at what time, somebody looks: what words of times depend on."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import get_language


class _RenderContext(NamedTuple):
    language: str | None
    zone: tzinfo
    now: datetime


_held: ContextVar[_RenderContext | None] = ContextVar("viewpoint", default=None)


def language() -> str | None:
    held = _held.get()
    return held.language if held else get_language()


def zone() -> tzinfo:
    held = _held.get()
    return held.zone if held else timezone.get_current_timezone()


def now() -> datetime:
    held = _held.get()
    return held.now if held else timezone.now()


@contextmanager
def fixed_render_context() -> Iterator[None]:
    """Language, zone and time stay what they are: Django is asked once, not for each time shown.

    A list shows hundreds, and asking took a tenth of what the whole page does. Not for a page that
    changes its language within: words are kept under the one that it began with.
    """
    token = _held.set(
        _RenderContext(get_language(), timezone.get_current_timezone(), timezone.now())
    )
    try:
        yield
    finally:
        _held.reset(token)
