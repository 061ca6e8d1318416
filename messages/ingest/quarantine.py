"""Limits the size of the quarantine, so that a broken sender does not fill the disk."""

import time
from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models import Sum

from messages.models import Callback, CallbackQuerySet, Outcome

from .entries import Entry

# Seconds between two computations of the quarantine's size. In between, this process adds the size
# of what it stores, because summing at each callback is slow. So several processes may exceed the
# cap a little.
_MAX_AGE = 30.0


@dataclass(slots=True)
class _Usage:
    size: int
    summed_at: float


_usages: dict[str, _Usage] = {}


def within_cap(entry: Entry) -> Entry:
    """The quarantined entry, without its body if the instance has reached its cap.

    Callbacks of unknown types may fill only half, so that there is room for malformed ones.
    """
    usage = _usage_of(entry.delivery.zapi_id)
    size = len(entry.delivery.body)
    cap = settings.QUARANTINE_MAX_BYTES // (2 if entry.is_own else 1)
    if usage.size + size <= cap:
        usage.size += size
        return entry
    return replace(entry, keeps_body=False)


def discard(callbacks: CallbackQuerySet) -> int:
    """Delete the bodies of the quarantined callbacks among `callbacks`. Return their number.

    The rows stay, with the arrival time and the cause.
    """
    discarded = callbacks.quarantined().update(outcome=Outcome.DISCARDED, body=b"")
    forget_usages()
    return discarded


def forget_usages() -> None:
    """Sum the rows again at the next callback, because some have left the quarantine."""
    _usages.clear()


def _usage_of(zapi_id: str) -> _Usage:
    now = time.monotonic()
    usage = _usages.get(zapi_id)
    if usage is None or now - usage.summed_at > _MAX_AGE:
        kept = Callback.objects.quarantined().kept().filter(instance__zapi_id=zapi_id)
        usage = _usages[zapi_id] = _Usage(kept.aggregate(Sum("size"))["size__sum"] or 0, now)
    return usage
