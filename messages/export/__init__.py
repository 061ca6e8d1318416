"""Messages taken along: any filter as CSV or, up to a limit, as an Excel workbook."""

from .csv_file import csv_line, csv_lines
from .rows import Reader
from .workbook import MOST_ROWS, workbook

__all__ = ["MOST_ROWS", "Reader", "csv_line", "csv_lines", "workbook"]
