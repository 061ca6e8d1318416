"""The statuses of a message: rank, label, icon, and Z-API's names for them.

A message has the status with the highest rank, so its status never goes back. A status of rank 0 is
not about the recipient: READ_BY_ME, PLAYED_BY_ME and UNKNOWN. It is shown but is not a step.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Status(StrEnum):
    """A step that Z-API reported for a message. The value is stored in the database.

    `icon` is the symbol's name in templates/_icons.svg and the CSS class of its colour.
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

    # Enum's hash is slow, and one page hashes thousands of statuses. str's hash is correct, because
    # a status equals its text.
    __hash__ = str.__hash__

    @property
    def is_by_me(self) -> bool:
        return self in (Status.READ_BY_ME, Status.PLAYED_BY_ME)

    @classmethod
    def of_rank(cls, rank: int) -> "Status":
        """The status shown for a rank: DISPATCHED for 10, UNKNOWN for 0."""
        return _NAMES.get(rank, cls.UNKNOWN)


_DETAILS: Final[dict[Status, tuple[int, Promise, str]]] = {
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
for _status, _details in _DETAILS.items():
    _status.rank, _status.label, _status.icon = _details
_NAMES = {one.rank: one for one in Status if one.rank and one is not Status.PENDING}

# The steps in order. PENDING counts as DISPATCHED, and FAILED is not a step.
LADDER = (Status.DISPATCHED, Status.SENT, Status.RECEIVED, Status.READ, Status.PLAYED)

# All known values of MessageStatusCallback.status, in upper case. Sources: Z-API's page "Message
# status", its older version (MESSAGE_*, READ-SELF) and other clients of Z-API.
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
    """The status with the highest rank.

    If all have rank 0, return the first of UNKNOWN, PLAYED_BY_ME and READ_BY_ME that is
    present.
    """
    found = set(statuses)
    rank = max((status.rank for status in found), default=0)
    if rank:
        return Status.of_rank(rank)
    if Status.UNKNOWN in found or not found:
        return Status.UNKNOWN
    return Status.PLAYED_BY_ME if Status.PLAYED_BY_ME in found else Status.READ_BY_ME


def from_provider(name: str) -> Status:
    """The Status for Z-API's name.

    UNKNOWN if the name is not known; callers store the name itself in `raw_status`.
    """
    return FROM_PROVIDER.get(name.strip().upper(), Status.UNKNOWN)
