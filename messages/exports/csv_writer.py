"""Writes CSV that spreadsheets read without executing anything."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Final

from django.utils.formats import get_format

from .message_columns import Reader

# Excel reads a file as UTF-8 only if it starts with a byte order mark.
_MARK: Final = "\ufeff"
# A formula starts with one of these signs. The sign is at the beginning of the text, or after a
# character that separates cells in some countries.
_FORMULA: Final = re.compile(r"""(^|[;,\t\r\n|])((?:[^\S\t\r\n]++|"++)*+[=+\-@＝＋－＠])""")
_SPLIT_BEFORE: Final = ("\t", "\r", "\n")
# Matches every line that contains a formula, and few others; not "Loja - Centro".
_MAY_BE_FORMULA: Final = re.compile(r"""[=+\-@＝＋－＠\t\r\n](?<=[\s";,|].)(?<!\w .)""", re.DOTALL)
# Lines per chunk.
LINES: Final = 500
_TWO_DIGITS: Final = tuple(f"{number:02}" for number in range(60))


def separator() -> str:
    """The separator that Excel expects: `;` in languages with a decimal comma."""
    return ";" if get_format("DECIMAL_SEPARATOR") == "," else ","


def csv_lines(reader: Reader, between: str = ",") -> Iterator[bytes]:
    """The file in chunks."""
    yield f"{_MARK}{csv_line(reader.headings, between)}".encode()
    rows = reader.rows(iso_moment)
    while some := [csv_line(row, between) for row in islice(rows, LINES)]:
        yield "".join(some).encode()


def csv_line(cells: Iterable[object], between: str = ",") -> str:
    """One line, every cell quoted, formulas neutralised."""
    texts = list(map(str, cells))
    line = _quoted(texts, between)
    if line.count('"') > 2 * len(texts):
        texts = [text.replace('"', '""') for text in texts]
        line = _quoted(texts, between)
    # Few lines need this. Checking every cell took a third of the export's time.
    if _MAY_BE_FORMULA.search(line):
        line = _quoted(map(neutral, texts), between)
    return f"{line}\r\n"


def _quoted(texts: Iterable[str], between: str) -> str:
    return '"' + f'"{between}"'.join(texts) + '"'


def neutral(text: str) -> str:
    if text.isalnum():
        return text
    # Some spreadsheets drop a quote before a leading tab or line break, so add one before it too.
    lead = "'" if text.startswith(_SPLIT_BEFORE) else ""
    return lead + _FORMULA.sub(r"\1'\2", text)


def iso_moment(at: int, zone: tzinfo) -> str:
    """ISO 8601. Cached per minute, because a file has millions of times."""
    minute, second = divmod(at, 60)
    before, behind = _around_the_second(minute, zone)
    return before + _TWO_DIGITS[second] + behind


@lru_cache(maxsize=4096)
def _around_the_second(minute: int, zone: tzinfo) -> tuple[str, str]:
    text = datetime.fromtimestamp(minute * 60, zone).isoformat()
    return text[:17], text[19:]
