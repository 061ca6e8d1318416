"""A page of quarantined callbacks, newest first, without loading whole bodies."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import BinaryField
from django.db.models.functions import Substr

from messages.dashboard.shared.moments import Moment
from messages.models import Callback, CallbackQuerySet
from statusboard.redaction import redact_beginning

PAGE_SIZE: Final = 50
# Bytes read and characters shown. Reading more than is shown lets secrets be recognized.
_READ, _SHOWN = 2400, 160


@dataclass(frozen=True, slots=True)
class Row:
    callback: Callback
    beginning: bytes

    @property
    def received(self) -> Moment:
        return Moment(self.callback.received_at)

    @property
    def preview(self) -> str:
        """The beginning of the body on one line, without secrets; '' if the body was not kept."""
        text = self.beginning.decode("utf-8", "replace")
        # Whitespace is collapsed below, so a line may need more characters than it shows.
        text = redact_beginning(text, _READ, is_cut=len(self.beginning) == _READ)
        printable = "".join(sign if sign.isprintable() else " " for sign in text)
        line = " ".join(printable.split())
        return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Page:
    """`older` and `newer` are the ids where the next pages start, or None."""

    rows: tuple[Row, ...]
    older: UUID | None
    newer: UUID | None


def page_of(callbacks: CallbackQuerySet, query: Mapping[str, str]) -> Page:
    """Read `older` or `newer` from the query. An invalid id means the first page."""
    if after := as_id(query.get("newer", "")):
        found = _take(callbacks.filter(pk__gt=after).order_by("pk"))
        if len(found) > PAGE_SIZE:
            return _page(found[:PAGE_SIZE][::-1], has_older=True, has_newer=True)
        # Fewer than a page are newer: fall through to the first page.
    elif before := as_id(query.get("older", "")):
        found = _take(callbacks.filter(pk__lt=before).order_by("-pk"))
        if found:
            return _page(found[:PAGE_SIZE], has_older=len(found) > PAGE_SIZE, has_newer=True)
    found = _take(callbacks.order_by("-pk"))
    return _page(found[:PAGE_SIZE], has_older=len(found) > PAGE_SIZE, has_newer=False)


def as_id(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None


def _take(callbacks: CallbackQuerySet) -> list[Row]:
    beginning = Substr("body", 1, _READ, output_field=BinaryField())
    light = callbacks.select_related("instance").defer("body").annotate(beginning=beginning)
    # SQLite returns NULL for the beginning of an empty body.
    return [Row(one, bytes(vars(one)["beginning"] or b"")) for one in light[: PAGE_SIZE + 1]]


def _page(found: list[Row], *, has_older: bool, has_newer: bool) -> Page:
    return Page(
        tuple(found),
        older=found[-1].callback.pk if has_older else None,
        newer=found[0].callback.pk if has_newer else None,
    )
