import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
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


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def separator() -> str:
    """What Excel splits at in the reader's language: where the comma is a decimal point, at `;`."""
    return ";" if get_format("DECIMAL_SEPARATOR") == "," else ","


def csv_lines(reader: Reader, between: str = ",") -> Iterator[bytes]:
    """A file in pieces, to be sent while it is read."""
    pieces = [_MARK, csv_line(reader.headings, between)]
    for row in reader.rows():
        pieces.append(csv_line(row, between))
        if len(pieces) >= _LINES:
            yield "".join(pieces).encode()
            pieces.clear()
    yield "".join(pieces).encode()


def csv_line(cells: Iterable[object], between: str = ",") -> str:
    """One row as a text; no cell of it is a formula, wherever a spreadsheet splits it."""
    writer = csv.writer(_Echo(), delimiter=between, quoting=csv.QUOTE_ALL)
    line: str = writer.writerow(map(_text, cells))
    return line


def _text(cell: object) -> str:
    return cell.isoformat() if isinstance(cell, datetime) else _neutral(str(cell))


def _neutral(cell: str) -> str:
    if cell.isalnum() or not cell:
        return cell
    # A tab or a line's end at the beginning makes some spreadsheets drop what stands before it.
    lead = "'" if cell.startswith(_SPLIT_BEFORE) else ""
    return lead + _FORMULA.sub(r"\1'\2", cell)
