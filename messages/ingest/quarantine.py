"""How much is kept of what could not be understood: a broken sender must not fill the disk."""

import time
from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models import Sum

from messages.models import Callback, CallbackQuerySet, Outcome

from .entries import Entry

# Seconds for which this process adds up by itself, because summing thousands of rows for each of
# them would make a broken sender a costly one. So the cap is a little soft.
_FRESH = 30.0


@dataclass(slots=True)
class _Held:
    size: int
    asked_at: float


_held: dict[str, _Held] = {}


def within_cap(entry: Entry) -> Entry:
    """The quarantined entry, without its body where the instance has no room left for it.

    Types that are not known fill no more than half, so that they crowd out nothing else.
    """
    held = _held_by(entry.delivery.zapi_id)
    size = len(entry.delivery.body)
    room = settings.QUARANTINE_MAX_BYTES // (2 if entry.is_own else 1)
    if held.size + size <= room:
        held.size += size
        return entry
    return replace(entry, keeps_body=False)


def discard(callbacks: CallbackQuerySet) -> int:
    """Give up the quarantined ones among `callbacks`; gives how many that were.

    Their rows stay, so that it can still be told that they came, and why they said nothing.
    """
    discarded = callbacks.quarantined().update(outcome=Outcome.DISCARDED, body=b"")
    forget()
    return discarded


def forget() -> None:
    """Ask the database anew: something was taken out of the quarantine."""
    _held.clear()


def _held_by(zapi_id: str) -> _Held:
    now = time.monotonic()
    held = _held.get(zapi_id)
    if held is None or now - held.asked_at > _FRESH:
        kept = Callback.objects.quarantined().kept().filter(instance__zapi_id=zapi_id)
        held = _held[zapi_id] = _Held(kept.aggregate(Sum("size"))["size__sum"] or 0, now)
    return held
