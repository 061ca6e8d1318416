import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from io import StringIO
from itertools import islice
from typing import Final

from django.utils.formats import get_format

from .rows import Reader

# Excel takes a file for UTF-8 only where it begins with this.
_MARK: Final = "\ufeff"
# What a spreadsheet may take for the beginning of a formula: such a sign at the beginning of the
# text, or behind anything at which a spreadsheet of another country may split it into cells.
_FORMULA: Final = re.compile(r"""(^|[;,\t\r\n|])((?:[^\S\t\r\n]|")*[=+\-@＝＋－＠])""")
_SPLIT_BEFORE: Final = ("\t", "\r", "\n")
# Of so many lines one piece is sent.
_LINES: Final = 500


def separator() -> str:
    """What Excel splits at in the reader's language: where the comma is a decimal point, at `;`."""
    return ";" if get_format("DECIMAL_SEPARATOR") == "," else ","


def csv_lines(reader: Reader, between: str = ",") -> Iterator[bytes]:
    """A file in pieces, to be sent while it is read."""
    yield f"{_MARK}{csv_text([reader.headings], between)}".encode()
    rows = reader.rows(_moment)
    while some := list(islice(rows, _LINES)):
        yield csv_text(some, between).encode()


def csv_text(rows: Iterable[Iterable[object]], between: str = ",") -> str:
    """Rows as a text; no cell of them is a formula, wherever a spreadsheet splits it."""
    text = StringIO()
    writer = csv.writer(text, delimiter=between, quoting=csv.QUOTE_ALL)
    # Half of all cells are empty.
    writer.writerows([cell and _text(cell) for cell in row] for row in rows)
    return text.getvalue()


def csv_line(cells: Iterable[object], between: str = ",") -> str:
    return csv_text([cells], between)


class _Harmless(str):
    """A text that we made ourselves."""

    __slots__ = ()


def _moment(at: int, zone: tzinfo) -> str:
    """A time as ISO 8601 has it. A file has millions, and of most minutes many."""
    minute, second = divmod(at, 60)
    before, behind = _around_the_second(minute, zone)
    return _Harmless(f"{before}{second:02}{behind}")


@lru_cache(maxsize=4096)
def _around_the_second(minute: int, zone: tzinfo) -> tuple[str, str]:
    text = datetime.fromtimestamp(minute * 60, zone).isoformat()
    return text[:17], text[19:]


def _text(cell: object) -> str:
    if isinstance(cell, _Harmless):
        return cell
    if isinstance(cell, str):
        return _neutral(cell)
    return cell.isoformat() if isinstance(cell, datetime) else _neutral(str(cell))


def _neutral(cell: str) -> str:
    if cell.isalnum():
        return cell
    # A tab or a line's end at the beginning makes some spreadsheets drop what stands before it.
    lead = "'" if cell.startswith(_SPLIT_BEFORE) else ""
    return lead + _FORMULA.sub(r"\1'\2", cell)
