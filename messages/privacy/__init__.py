"""One person's data: found, handed out, erased, and kept from coming back.

`tables.py` says which table holds what of a person; a test asks it about every model there is.
"""

from .erase import carry_on, erased_among, request_erasure
from .export import export
from .find import Found, find
from .late import erase_late
from .person import Person, UnclearPersonError, who_is

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
