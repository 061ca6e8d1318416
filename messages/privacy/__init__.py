"""Finds, exports, keeps and erases one person's data.

`tables.py` says which table holds data of a person; a test checks that it covers every model.
"""

from .erase import continue_erasures, erased_among, is_stopped, request_erasure
from .find import Found, find
from .holds import (
    HeldError,
    any_hold,
    holds_of,
    holds_of_recipient,
    holds_on,
    names_of,
    place,
    release,
)
from .late_erasure import erase_late
from .person import Person, UnclearPersonError, find_person, person_of
from .person_export import export

__all__ = [
    "Found",
    "HeldError",
    "Person",
    "UnclearPersonError",
    "any_hold",
    "continue_erasures",
    "erase_late",
    "erased_among",
    "export",
    "find",
    "find_person",
    "holds_of",
    "holds_of_recipient",
    "holds_on",
    "is_stopped",
    "names_of",
    "person_of",
    "place",
    "release",
    "request_erasure",
]
