"""Reads CSV files that spreadsheets have saved, with the row numbers that the spreadsheet shows."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _

# Byte order marks. UTF-32 is checked first, because its mark begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),  # Excel's "Unicode text"
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Without a byte order mark: UTF-8, or the Windows code page.
_UNMARKED: Final = ("utf-8", "cp1252")


class UnreadableFileError(Exception):
    """The whole file cannot be read. The text is for the person who uploaded it."""


def rows_of(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with its number. Numbers start at 1 and include blank rows.

    Raises UnreadableFileError, possibly after some rows.
    """
    lines = io.StringIO(_text_of(content), newline="")
    # In countries with a decimal comma, such as Brazil, spreadsheets separate cells by semicolon.
    delimiter = max(",;\t", key=lines.readline().count)
    lines.seek(0)
    try:
        for number, cells in enumerate(csv.reader(lines, delimiter=delimiter), 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error:
        raise UnreadableFileError(_("This is not a CSV file.")) from None


def _text_of(content: bytes) -> str:
    marked = [encoding for mark, encoding in _MARKS if content.startswith(mark)]
    for encoding in marked[:1] or _UNMARKED:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:  # UTF-16 without a BOM: every second byte is NUL
            return text
    raise UnreadableFileError(
        _("The file is not valid text. Save it as “CSV UTF-8” in your spreadsheet.")
    )
