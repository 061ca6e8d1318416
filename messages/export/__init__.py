"""Messages taken along: any filter as CSV or, up to a limit, as an Excel workbook."""

from .csv_file import csv_line, csv_lines, separator
from .prepare import ask_for_workbook, forget_old_exports, pieces_of, prepare_exports, sight_of
from .rows import Reader
from .workbook import MOST_ROWS, workbook

__all__ = [
    "MOST_ROWS",
    "Reader",
    "ask_for_workbook",
    "csv_line",
    "csv_lines",
    "forget_old_exports",
    "pieces_of",
    "prepare_exports",
    "separator",
    "sight_of",
    "workbook",
]
