"""The language, time zone and current time for rendering times in pages and files."""

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


_fixed: ContextVar[_RenderContext | None] = ContextVar("render_context", default=None)


def language() -> str | None:
    fixed = _fixed.get()
    return fixed.language if fixed else get_language()


def zone() -> tzinfo:
    fixed = _fixed.get()
    return fixed.zone if fixed else timezone.get_current_timezone()


def now() -> datetime:
    fixed = _fixed.get()
    return fixed.now if fixed else timezone.now()


@contextmanager
def fixed_render_context() -> Iterator[None]:
    """Look up the language, the zone and the time once for the whole block.

    A list shows hundreds of timestamps, and these lookups took 10% of the page's time. Do not use
    it where the language changes within the block.
    """
    token = _fixed.set(
        _RenderContext(get_language(), timezone.get_current_timezone(), timezone.now())
    )
    try:
        yield
    finally:
        _fixed.reset(token)
