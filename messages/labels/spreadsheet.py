"""Labels in a CSV file, as spreadsheets save them."""

import csv
import io
from typing import Final

from django.utils.translation import gettext as _

from .entries import MOST_AT_ONCE

COLUMNS: Final = ("zapi_instance_id", "message_id", "reference", "label")
_NEEDED: Final = {"zapi_instance_id", "message_id"}


class UnreadableFileError(Exception):
    """The message says to a person what is wrong with the file as a whole."""


def rows_of_csv(content: bytes) -> dict[int, dict[str, str]]:
    """Each row by the names in the first, under its number as a spreadsheet counts, empty ones too.

    Raises UnreadableFileError. One row more than may come at once is enough to see that there are
    too many.
    """
    lines = csv.reader(io.StringIO(_text_of(content), newline=""), delimiter=_delimiter(content))
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        _check_names(names)
        rows = {}
        for number, cells in enumerate(lines, 2):
            if any(cell.strip() for cell in cells):
                rows[number] = _row(names, cells, number)
            if len(rows) > MOST_AT_ONCE:
                break
    except csv.Error:
        raise UnreadableFileError(_("The file is not CSV.")) from None
    return rows


def _text_of(content: bytes) -> str:
    """Spreadsheets save UTF-8, with a mark or without, or the code page of Windows."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFileError(_("The file is not text. Save it as CSV in UTF-8."))


def _delimiter(content: bytes) -> str:
    """Where a comma divides decimals, as in Brazil, spreadsheets divide columns by semicolon."""
    head = content.split(b"\n", 1)[0]
    return ";" if head.count(b";") > head.count(b",") else ","


def _check_names(names: list[str]) -> None:
    if missing := _NEEDED - set(names):
        words = _("The first line must name the columns %(columns)s; it lacks %(missing)s.")
        shown = {"columns": ", ".join(COLUMNS), "missing": ", ".join(sorted(missing))}
        raise UnreadableFileError(words % shown)
    if len(set(names)) < len(names):
        raise UnreadableFileError(_("The first line names a column twice."))


def _row(names: list[str], cells: list[str], number: int) -> dict[str, str]:
    if len(cells) > len(names):
        words = _("Row %(row)d has more cells than the first one.") % {"row": number}
        raise UnreadableFileError(words)
    return dict(zip(names, cells, strict=False))
