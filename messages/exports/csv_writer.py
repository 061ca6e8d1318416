import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Final

from django.utils.formats import get_format

from .message_columns import Reader

# Excel takes a file for UTF-8 only where it begins with this.
_MARK: Final = "\ufeff"
# What a spreadsheet may take for the beginning of a formula: such a sign at the beginning of the
# text, or behind anything at which a spreadsheet of another country may split it into cells.
_FORMULA: Final = re.compile(r"""(^|[;,\t\r\n|])((?:[^\S\t\r\n]++|"++)*+[=+\-@＝＋－＠])""")
_SPLIT_BEFORE: Final = ("\t", "\r", "\n")
# At least wherever a cell of a whole line has to be changed, but not in "Loja - Centro".
_MAY_BE_FORMULA: Final = re.compile(r"""[=+\-@＝＋－＠\t\r\n](?<=[\s";,|].)(?<!\w .)""", re.DOTALL)
# Of so many lines one piece is sent.
_LINES: Final = 500
_TWO_DIGITS: Final = tuple(f"{number:02}" for number in range(60))


def separator() -> str:
    """What Excel splits at in the reader's language: where the comma is a decimal point, at `;`."""
    return ";" if get_format("DECIMAL_SEPARATOR") == "," else ","


def csv_lines(reader: Reader, between: str = ",") -> Iterator[bytes]:
    """A file in pieces, to be sent while it is read."""
    yield f"{_MARK}{csv_line(reader.headings, between)}".encode()
    rows = reader.rows(_moment)
    while some := [csv_line(row, between) for row in islice(rows, _LINES)]:
        yield "".join(some).encode()


def csv_line(cells: Iterable[object], between: str = ",") -> str:
    """Texts and numbers in quotes; none is a formula, wherever a spreadsheet splits it."""
    texts = list(map(str, cells))
    line = _quoted(texts, between)
    if line.count('"') > 2 * len(texts):
        texts = [text.replace('"', '""') for text in texts]
        line = _quoted(texts, between)
    # Hardly any row has to be changed: to look at each of its cells took a third of an export.
    if _MAY_BE_FORMULA.search(line):
        line = _quoted(map(_neutral, texts), between)
    return f"{line}\r\n"


def _quoted(texts: Iterable[str], between: str) -> str:
    return '"' + f'"{between}"'.join(texts) + '"'


def _neutral(text: str) -> str:
    if text.isalnum():
        return text
    # A tab or a line's end at the beginning makes some spreadsheets drop what stands before it.
    lead = "'" if text.startswith(_SPLIT_BEFORE) else ""
    return lead + _FORMULA.sub(r"\1'\2", text)


def _moment(at: int, zone: tzinfo) -> str:
    """A time as ISO 8601 has it. A file has millions, and of most minutes many."""
    minute, second = divmod(at, 60)
    before, behind = _around_the_second(minute, zone)
    return before + _TWO_DIGITS[second] + behind


@lru_cache(maxsize=4096)
def _around_the_second(minute: int, zone: tzinfo) -> tuple[str, str]:
    text = datetime.fromtimestamp(minute * 60, zone).isoformat()
    return text[:17], text[19:]
