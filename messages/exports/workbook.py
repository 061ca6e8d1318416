"""Writes an Excel workbook."""

import tempfile
from datetime import datetime
from typing import IO, Final

import xlsxwriter  # type: ignore[import-untyped]
from django.utils.translation import gettext as _

from .message_columns import Reader

# Larger workbooks take too long to write.
MAX_ROWS: Final = 100_000
_WIDTH: Final = 20
_TIME: Final = "yyyy-mm-dd hh:mm:ss"


def workbook(reader: Reader) -> IO[bytes]:
    """A temporary file, positioned at its start; closing it deletes it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the caller closes it)
    try:
        _fill(file, reader)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _fill(file: IO[bytes], reader: Reader) -> None:
    # Texts never become formulas; times and numbers can be sorted.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(_("Messages"))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(reader.headings) - 1, _WIDTH)
        bold, time = book.add_format({"bold": True}), book.add_format({"num_format": _TIME})
        for column, heading in enumerate(reader.headings_with_zone):
            sheet.write_string(0, column, heading, bold)
        for number, row in enumerate(reader.rows(), 1):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, column, cell, time)
                elif isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                elif cell:
                    sheet.write_string(number, column, cell)
