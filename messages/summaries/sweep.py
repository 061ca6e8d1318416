"""Every night the last weeks are counted again, whatever was marked or missed."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db.models.functions import TruncHour
from django.utils import timezone

from messages.models import HourlySummary, Kept, Message, Retention

from .touched import mark

DAYS: Final = 35
# In UTC: the small hours where most of those who use Z-API are.
_NIGHT: Final = timedelta(hours=5)
_PURGED_SOON: Final = timedelta(days=1)


def sweep() -> int:
    """Mark the hours of the last weeks, once a night, whichever worker is the first to ask.

    The first one after an installation does it at once.
    """
    now = timezone.now()
    night = (now - _NIGHT).date()
    if not cache.add(f"summaries-swept-{night}", True, timeout=2 * 24 * 3600):
        return 0
    return mark_since(now - min(timedelta(days=DAYS), _kept() - _PURGED_SOON))


def _kept() -> timedelta:
    """For how long messages are kept: what was counted of them stays when they are purged."""
    days = Retention.objects.filter(kind=Kept.MESSAGES).values_list("days", flat=True).first()
    return timedelta.max if days is None else timedelta(days=days)


def mark_since(start: datetime) -> int:
    """Mark all hours since then that have messages, or a summary of messages they once had."""
    started = Message.objects.filter(started_at__gte=start)
    told = started.annotate(hour=TruncHour("started_at", tzinfo=UTC))
    hours = set(told.values_list("instance_id", "hour").distinct())
    summed = HourlySummary.objects.filter(hour__gte=start)
    hours |= set(summed.values_list("instance_id", "hour").distinct())
    mark(hours)
    return len(hours)
