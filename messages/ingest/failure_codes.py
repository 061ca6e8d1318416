"""Codes for failures that were stored without one, or before the catalogue knew their text."""

from typing import Final

from messages.domain.failures import failure_code
from messages.domain.statuses import Status
from messages.models import Message
from messages.models.message import UNKNOWN_FAILURE

# Callbacks about these messages wait until the update ends.
_MESSAGES_PER_UPDATE: Final = 500


def classify_failures() -> int:
    """Give failed messages the code of their text. Returns how many changed."""
    unknown = Message.objects.filter(UNKNOWN_FAILURE, rank=Status.FAILED.rank)
    stored = unknown.order_by().values_list("failure", "failure_code").distinct()
    return sum(
        _update(reason, old, new)
        for reason, old in list(stored)
        if (new := failure_code(reason)) != old
    )


def _update(reason: str, old: str, new: str) -> int:
    """In small batches. A message that changed meanwhile keeps its own code."""
    wanted = Message.objects.filter(
        UNKNOWN_FAILURE, rank=Status.FAILED.rank, failure=reason, failure_code=old
    )
    changed = 0
    while keys := list(wanted.values_list("pk", flat=True)[:_MESSAGES_PER_UPDATE]):
        changed += wanted.filter(pk__in=keys).update(failure_code=new)
    return changed
