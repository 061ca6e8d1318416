"""Keyset pagination: new rows do not shift the rows of a page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from messages.models import Message

from .querysets import MessageQuerySet, Order

PAGE_SIZE: Final = 50
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CURSOR = re.compile(r"(\d{1,16})-(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row's position in the list's order."""

    moment: datetime
    pk: int

    @classmethod
    def of(cls, message: Message, order: Order = Order.HEARD) -> Self:
        return cls(getattr(message, order), message.pk)

    @classmethod
    def read(cls, text: str) -> Self | None:
        match = _CURSOR.fullmatch(text)
        if not match or not text.isascii():
            return None
        return cls(_EPOCH + int(match[1]) * _MICROSECOND, int(match[2]))

    def __str__(self) -> str:
        return f"{(self.moment - _EPOCH) // _MICROSECOND}-{self.pk}"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first; `older` and `newer` are None at the ends of the list."""

    messages: tuple[Message, ...]
    older: Cursor | None
    newer: Cursor | None


def read_page(
    messages: MessageQuerySet, query: Mapping[str, str], order: Order = Order.HEARD
) -> Page:
    """The page that `older` or `newer` in the query asks for; without a valid cursor, the first."""
    if cursor := Cursor.read(query.get("newer", "")):
        newer = messages.newer_than(cursor.moment, cursor.pk, order).oldest_first(order)
        found = list(newer[: PAGE_SIZE + 1])
        if len(found) > PAGE_SIZE:
            return _page(found[:PAGE_SIZE][::-1], order, has_older=True, has_newer=True)
        # Less than a page of newer rows: show the first page, which includes them.
        return _first_page(messages, order)
    if cursor := Cursor.read(query.get("older", "")):
        older = messages.older_than(cursor.moment, cursor.pk, order).newest_first(order)
        found = list(older[: PAGE_SIZE + 1])
        if found:
            has_older = len(found) > PAGE_SIZE
            return _page(found[:PAGE_SIZE], order, has_older=has_older, has_newer=True)
    return _first_page(messages, order)


def _first_page(messages: MessageQuerySet, order: Order) -> Page:
    found = list(messages.newest_first(order)[: PAGE_SIZE + 1])
    has_older = len(found) > PAGE_SIZE
    return _page(found[:PAGE_SIZE], order, has_older=has_older, has_newer=False)


def _page(found: list[Message], order: Order, *, has_older: bool, has_newer: bool) -> Page:
    return Page(
        tuple(found),
        older=Cursor.of(found[-1], order) if found and has_older else None,
        newer=Cursor.of(found[0], order) if found and has_newer else None,
    )
