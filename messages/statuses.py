"""What a message's status can be: rank, words, icon, and Z-API's names for it.

The headline of a message is its highest rank and never goes back. Rank 0 says nothing about the
contact: it is shown, off the ladder.
"""

from collections.abc import Iterable
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Status(StrEnum):
    """A step that Z-API reported of a message. The value is what is stored."""

    ACCEPTED = "ACCEPTED"
    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    RECEIVED = "RECEIVED"
    READ = "READ"
    PLAYED = "PLAYED"
    READ_BY_ME = "READ_BY_ME"
    PLAYED_BY_ME = "PLAYED_BY_ME"
    UNKNOWN = "UNKNOWN"

    @property
    def rank(self) -> int:
        return _RANKS.get(self, 0)

    @property
    def label(self) -> Promise:
        return _LABELS[self]

    @property
    def icon(self) -> str:
        """The name of the symbol in templates/_icons.svg; the colour goes with it."""
        return _ICONS[self]

    @property
    def is_by_me(self) -> bool:
        return self in (Status.READ_BY_ME, Status.PLAYED_BY_ME)

    @classmethod
    def of_rank(cls, rank: int) -> "Status":
        """The status that names a rank: ACCEPTED for 10, UNKNOWN for 0."""
        return _NAMES.get(rank, cls.UNKNOWN)


_RANKS = {
    Status.ACCEPTED: 10,
    Status.PENDING: 10,
    Status.SENT: 20,
    Status.FAILED: 25,
    Status.RECEIVED: 30,
    Status.READ: 40,
    Status.PLAYED: 50,
}
_NAMES = {rank: status for status, rank in _RANKS.items() if status is not Status.PENDING}

_LABELS = {
    Status.ACCEPTED: _("Accepted"),
    Status.PENDING: _("Pending"),
    Status.SENT: _("Sent"),
    Status.FAILED: _("Failed"),
    Status.RECEIVED: _("Delivered"),
    Status.READ: _("Read"),
    Status.PLAYED: _("Played"),
    Status.READ_BY_ME: _("Read by us"),
    Status.PLAYED_BY_ME: _("Played by us"),
    Status.UNKNOWN: _("Unknown"),
}
_ICONS = {
    Status.ACCEPTED: "accepted",
    Status.PENDING: "accepted",
    Status.SENT: "sent",
    Status.FAILED: "failed",
    Status.RECEIVED: "delivered",
    Status.READ: "read",
    Status.PLAYED: "played",
    Status.READ_BY_ME: "by-us",
    Status.PLAYED_BY_ME: "by-us",
    Status.UNKNOWN: "unknown",
}

# The ladder as a person climbs it; PENDING shares ACCEPTED's rung and FAILED stands beside it.
LADDER = (Status.ACCEPTED, Status.SENT, Status.RECEIVED, Status.READ, Status.PLAYED)

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
