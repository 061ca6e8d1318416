import csv
from collections.abc import Iterable, Iterator
from typing import Final

from .rows import Reader

# Excel takes a file for UTF-8 only where it begins with this.
_MARK: Final = "\ufeff"
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")
# Of so many lines one piece is sent.
_LINES: Final = 500


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(reader: Reader) -> Iterator[bytes]:
    """A file in pieces, to be sent while it is read."""
    pieces = [_MARK, csv_line(reader.headings)]
    for row in reader.rows():
        pieces.append(csv_line(row))
        if len(pieces) >= _LINES:
            yield "".join(pieces).encode()
            pieces.clear()
    yield "".join(pieces).encode()


def csv_line(cells: Iterable[object]) -> str:
    """One row as a text; no cell of it is a formula."""
    line: str = csv.writer(_Echo()).writerow(_neutral(str(cell)) for cell in cells)
    return line


def _neutral(cell: str) -> str:
    """A leading sign would make a spreadsheet take the text for a formula."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell
