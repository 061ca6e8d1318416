"""What the sender's software calls its messages: read, checked and written, all or nothing."""

from messages.domain.csv_reader import UnreadableFileError

from .entries import (
    LONGEST_ID,
    LONGEST_LABEL,
    LONGEST_REFERENCE,
    MOST_AT_ONCE,
    Entry,
    Fault,
    read_entries,
)
from .label_lookup import Labels, labels_of
from .spreadsheet import rows_of_csv
from .writing import LabelsRefusedError, label, remove_label

__all__ = [
    "LONGEST_ID",
    "LONGEST_LABEL",
    "LONGEST_REFERENCE",
    "MOST_AT_ONCE",
    "Entry",
    "Fault",
    "Labels",
    "LabelsRefusedError",
    "UnreadableFileError",
    "label",
    "labels_of",
    "read_entries",
    "remove_label",
    "rows_of_csv",
]
