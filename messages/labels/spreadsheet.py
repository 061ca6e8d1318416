"""Reads labels from a CSV file."""

from typing import Final

from django.utils.translation import gettext as _

from messages.domain.csv_reader import UnreadableFileError, rows_of

from .label_entries import MAX_AT_ONCE

COLUMNS: Final = ("zapi_instance_id", "message_id", "zaap_id", "reference", "label")
_NEEDED: Final = {"zapi_instance_id", "message_id"}


def rows_of_csv(content: bytes) -> dict[int, dict[str, str]]:
    """The rows as dicts, by row number in the spreadsheet. Raises UnreadableFileError.

    Reading stops one row after MAX_AT_ONCE, which is enough to know that there are too many.
    """
    lines = rows_of(content)
    _number, titles = next(lines, (1, []))
    names = [title.strip().lower() for title in titles]
    _check_names(names)
    rows = {}
    for number, cells in lines:
        rows[number] = _row(names, cells, number)
        if len(rows) > MAX_AT_ONCE:
            break
    return rows


def _check_names(names: list[str]) -> None:
    if missing := _NEEDED - set(names):
        message = _("The first row must have the columns %(columns)s. Missing: %(missing)s.")
        shown = {"columns": ", ".join(COLUMNS), "missing": ", ".join(sorted(missing))}
        raise UnreadableFileError(message % shown)
    if len(set(names)) < len(names):
        raise UnreadableFileError(_("A column name appears twice in the first row."))


def _row(names: list[str], cells: list[str], number: int) -> dict[str, str]:
    if len(cells) > len(names):
        message = _("Row %(row)d has more cells than the first row.") % {"row": number}
        raise UnreadableFileError(message)
    return dict(zip(names, cells, strict=False))
