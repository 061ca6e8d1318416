"""Finds, exports and erases one person's data.

`tables.py` says which table holds data of a person; a test checks that it covers every model.
"""

from .erase import continue_erasures, erased_among, request_erasure
from .find import Found, find
from .late_erasure import erase_late
from .person import Person, UnclearPersonError, find_person
from .person_export import export

__all__ = [
    "Found",
    "Person",
    "UnclearPersonError",
    "continue_erasures",
    "erase_late",
    "erased_among",
    "export",
    "find",
    "find_person",
    "request_erasure",
]
