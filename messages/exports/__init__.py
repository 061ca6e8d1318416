"""Exports: messages as CSV or Excel, the audit log, and one person's data.

Short files are written in the request, long ones by the worker (`export_jobs`).
"""

from .audit_log import PERIODS, audit_events, audit_lines, details_in_words, plain
from .csv_writer import csv_line, csv_lines, separator
from .export_jobs import (
    ask_for_file,
    forget_old_exports,
    may_have,
    pieces_of,
    prepare_exports,
    sight_of,
)
from .message_columns import Reader
from .workbook import MAX_ROWS, workbook

__all__ = [
    "MAX_ROWS",
    "PERIODS",
    "Reader",
    "ask_for_file",
    "audit_events",
    "audit_lines",
    "csv_line",
    "csv_lines",
    "details_in_words",
    "forget_old_exports",
    "may_have",
    "pieces_of",
    "plain",
    "prepare_exports",
    "separator",
    "sight_of",
    "workbook",
]
