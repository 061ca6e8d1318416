"""Labels of messages: parsing, validation and storage, all or nothing."""

from messages.domain.csv_reader import UnreadableFileError

from .label_entries import (
    MAX_AT_ONCE,
    MAX_ID_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_REFERENCE_LENGTH,
    Entry,
    Fault,
    read_entries,
)
from .label_lookup import Labels, labels_of
from .spreadsheet import rows_of_csv
from .writing import LabelsRefusedError, label, remove_label

__all__ = [
    "MAX_AT_ONCE",
    "MAX_ID_LENGTH",
    "MAX_LABEL_LENGTH",
    "MAX_REFERENCE_LENGTH",
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
