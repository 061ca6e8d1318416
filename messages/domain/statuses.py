"""What a message's status can be: rank, words, icon, and Z-API's names for it.

The headline of a message is its highest rank and never goes back. Rank 0 says nothing about the
contact: it is shown, off the ladder.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Status(StrEnum):
    """A step that Z-API reported of a message. The value is what is stored.

    `icon` names the symbol in templates/_icons.svg; the colour goes with it.
    """

    rank: int
    label: Promise
    icon: str

    DISPATCHED = "DISPATCHED"
    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    RECEIVED = "RECEIVED"
    READ = "READ"
    PLAYED = "PLAYED"
    READ_BY_ME = "READ_BY_ME"
    PLAYED_BY_ME = "PLAYED_BY_ME"
    UNKNOWN = "UNKNOWN"

    # As its text, which it equals: Enum's own is slow, and a page asks for thousands.
    __hash__ = str.__hash__

    @property
    def is_by_me(self) -> bool:
        return self in (Status.READ_BY_ME, Status.PLAYED_BY_ME)

    @classmethod
    def of_rank(cls, rank: int) -> "Status":
        """The status that names a rank: DISPATCHED for 10, UNKNOWN for 0."""
        return _NAMES.get(rank, cls.UNKNOWN)


_WORDS: Final[dict[Status, tuple[int, Promise, str]]] = {
    Status.DISPATCHED: (10, _("Dispatched"), "dispatched"),
    Status.PENDING: (10, _("Pending"), "dispatched"),
    Status.SENT: (20, _("Sent"), "sent"),
    Status.FAILED: (25, _("Failed"), "failed"),
    Status.RECEIVED: (30, _("Delivered"), "delivered"),
    Status.READ: (40, _("Read"), "read"),
    Status.PLAYED: (50, _("Played"), "played"),
    Status.READ_BY_ME: (0, _("Read by us"), "by-us"),
    Status.PLAYED_BY_ME: (0, _("Played by us"), "by-us"),
    Status.UNKNOWN: (0, _("Unknown"), "unknown"),
}
for _status, _its in _WORDS.items():
    _status.rank, _status.label, _status.icon = _its
_NAMES = {one.rank: one for one in Status if one.rank and one is not Status.PENDING}

# The ladder as a person climbs it; PENDING shares DISPATCHED's rung and FAILED stands beside it.
LADDER = (Status.DISPATCHED, Status.SENT, Status.RECEIVED, Status.READ, Status.PLAYED)

# Every word met in MessageStatusCallback.status: the page "Message status", the docs' older page
# (MESSAGE_*, READ-SELF), and what other clients of Z-API handle (the rest). Compared in upper case.
FROM_PROVIDER = {
    "PENDING": Status.PENDING,
    "SENT": Status.SENT,
    "MESSAGE_SENT": Status.SENT,
    "FAILED": Status.FAILED,
    "RECEIVED": Status.RECEIVED,
    "MESSAGE_RECEIVED": Status.RECEIVED,
    "DELIVERED": Status.RECEIVED,
    "READ": Status.READ,
    "MESSAGE_READ": Status.READ,
    "PLAYED": Status.PLAYED,
    "MESSAGE_PLAYED": Status.PLAYED,
    "READ_BY_ME": Status.READ_BY_ME,
    "READ-SELF": Status.READ_BY_ME,
    "PLAYED_BY_ME": Status.PLAYED_BY_ME,
}


def highest(statuses: Iterable[Status]) -> Status:
    """The highest rank reached; without one, what the steps are: unknown words, or ours."""
    found = set(statuses)
    rank = max((status.rank for status in found), default=0)
    if rank:
        return Status.of_rank(rank)
    if Status.UNKNOWN in found or not found:
        return Status.UNKNOWN
    return Status.PLAYED_BY_ME if Status.PLAYED_BY_ME in found else Status.READ_BY_ME


def from_provider(word: str) -> Status:
    """Z-API's word as a Status; UNKNOWN for tomorrow's, whose own name is kept beside it."""
    return FROM_PROVIDER.get(word.strip().upper(), Status.UNKNOWN)
