"""A page of quarantined callbacks, newest first, without loading whole bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import BinaryField
from django.db.models.functions import Substr

from messages.dashboard.shared.moments import Moment
from messages.models import Callback, CallbackQuerySet
from messages.search.keyset import Page, read_page
from statusboard.redaction import redact_beginning

# Bytes read and characters shown. Reading more than is shown lets secrets be recognized.
_READ, _SHOWN = 2400, 160
_ORDER: Final = ("-id",)


@dataclass(frozen=True, slots=True)
class Row:
    callback: Callback

    @property
    def beginning(self) -> bytes:
        # SQLite returns NULL for the beginning of an empty body.
        return bytes(vars(self.callback)["beginning"] or b"")

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


def quarantine_page(callbacks: CallbackQuerySet, query: Mapping[str, str]) -> Page[Callback]:
    beginning = Substr("body", 1, _READ, output_field=BinaryField())
    light = callbacks.select_related("instance").defer("body").annotate(beginning=beginning)
    return read_page(light, query, _ORDER)
