"""Keyset pagination: new rows do not shift the rows of a page.

An order is one field, or two with the second as tie-breaker, in the same direction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import DateTimeField, Model, Q, QuerySet, UUIDField

PAGE_SIZE: Final = 50
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in order. `older` and `newer` are the cursors of the next pages, '' at the ends."""

    rows: list[Row]
    older: str
    newer: str
    is_first: bool


def read_page(rows: QuerySet[Any], query: Mapping[str, str], order: Sequence[str]) -> Page[Any]:
    """The page that `older` or `newer` in the query asks for; without a valid cursor, the first."""
    ahead, back = ("older", "newer") if order[0].startswith("-") else ("newer", "older")
    if place := read_cursor(query.get(back, ""), rows.model, order):
        found, has_more = take(rows, order, PAGE_SIZE, place, is_back=True)
        if has_more:
            return _page(found, order, is_first=False, is_last=False)
        # Less than a page of rows before it: show the first page, which includes them.
    elif place := read_cursor(query.get(ahead, ""), rows.model, order):
        found, has_more = take(rows, order, PAGE_SIZE, place)
        if found:
            return _page(found, order, is_first=False, is_last=not has_more)
    found, has_more = take(rows, order, PAGE_SIZE)
    return _page(found, order, is_first=True, is_last=not has_more)


def _page(found: list[Any], order: Sequence[str], *, is_first: bool, is_last: bool) -> Page[Any]:
    following = "" if is_last else cursor_of(found[-1], order)
    previous = "" if is_first else cursor_of(found[0], order)
    if order[0].startswith("-"):
        return Page(found, older=following, newer=previous, is_first=is_first)
    return Page(found, older=previous, newer=following, is_first=is_first)


def take(
    rows: QuerySet[Any],
    order: Sequence[str],
    size: int,
    place: Sequence[Any] | None = None,
    *,
    is_back: bool = False,
) -> tuple[list[Any], bool]:
    """Up to `size` rows after the place, or before it if `is_back`, and whether there are more."""
    directed = [_reversed(field) for field in order] if is_back else order
    if place:
        rows = rows.filter(after(directed, place))
    found = list(rows.order_by(*directed)[: size + 1])
    has_more = len(found) > size
    return found[:size][::-1] if is_back else found[:size], has_more


def after(order: Sequence[str], place: Sequence[Any]) -> Q:
    """The rows after a place. The first comparison lets the database use the index."""
    names = [field.lstrip("-") for field in order]
    than = "lt" if order[0].startswith("-") else "gt"
    is_after = [Q((f"{name}__{than}", value)) for name, value in zip(names, place, strict=True)]
    if len(names) == 1:
        return is_after[0]
    return Q((f"{names[0]}__{than}e", place[0])) & (is_after[0] | is_after[1])


def before(order: Sequence[str], place: Sequence[Any]) -> Q:
    return after([_reversed(field) for field in order], place)


def cursor_of(row: Model, order: Sequence[str]) -> str:
    return write_cursor(getattr(row, field.lstrip("-")) for field in order)


def write_cursor(place: Iterable[Any]) -> str:
    return "-".join(map(_text, place))


def read_cursor(text: str, model: type[Model], order: Sequence[str]) -> list[Any]:
    """The place in this order of a model's rows; empty if the text names none."""
    parts = text.split("-")
    fields = [model._meta.get_field(field.lstrip("-")) for field in order]
    try:
        return [_value(field, part) for field, part in zip(fields, parts, strict=True)]
    except ValueError:
        return []


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return str((value - _EPOCH) // _MICROSECOND)
    return value.hex if isinstance(value, UUID) else str(value)


def _value(field: Any, text: str) -> Any:
    """Parse one value of a page cursor.

    Raises ValueError if it is malformed or has more digits than the database can store.
    """
    if isinstance(field, UUIDField):
        return UUID(text)
    is_time = isinstance(field, DateTimeField)
    if not (text.isascii() and text.isdigit() and len(text) <= (16 if is_time else 18)):
        raise ValueError(text)
    return _EPOCH + int(text) * _MICROSECOND if is_time else int(text)


def _reversed(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"
