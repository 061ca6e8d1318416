"""One person's data: found, handed out, erased, and kept from coming back.

`tables.py` says which table holds what of a person; a test asks it about every model there is.
"""

from .erase import carry_on, erased_among, request_erasure
from .find import Found, find
from .late_erasure import erase_late
from .person import Person, UnclearPersonError, who_is
from .person_export import export

__all__ = [
    "Found",
    "Person",
    "UnclearPersonError",
    "carry_on",
    "erase_late",
    "erased_among",
    "export",
    "find",
    "request_erasure",
    "who_is",
]
