"""Finds instances whose own read receipts are off: WhatsApp then reports no reading to them."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.utils import timezone

from messages.domain.statuses import Status
from messages.ingest.callback_batch import CallbackBatch
from messages.models import DailySummary, Instance, Message

# So many individual messages delivered over so many days, and none read.
MIN_DELIVERED: Final = 50
MIN_DAYS: Final = 3
_WINDOW: Final = timedelta(days=35)


def find_receipts_off() -> int:
    """Mark the instances without any read confirmation; return how many were marked."""
    start = timezone.now() - _WINDOW
    unknown = Instance.objects.active().filter(receipts_off_since=None)
    days = DailySummary.objects.filter(
        is_group=False, day__gte=start.date(), instance__in=unknown
    ).order_by("day")
    since_read: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for pk, day, delivered, read in days.values_list("instance", "day", "delivered", "read"):
        if read:
            since_read[pk].clear()
        elif delivered:
            since_read[pk].append((day, delivered))
    marked = 0
    for pk, delivered_days in since_read.items():
        if not delivered_days:
            continue
        first, last = delivered_days[0][0], delivered_days[-1][0]
        number = sum(count for _day, count in delivered_days)
        since = datetime.combine(first, time(), UTC)
        is_off = number >= MIN_DELIVERED and last - first >= timedelta(days=MIN_DAYS)
        if is_off and not _was_read(pk, start, since):
            marked += Instance.objects.filter(pk=pk).update(receipts_off_since=since)
    return marked


def end_receipts_off(batch: CallbackBatch) -> None:
    """Remove the mark of instances with the first read confirmation. Run by the worker."""
    read = {
        callback.instance_id
        for callback, report in batch.applied
        if report.status in (Status.READ, Status.PLAYED) and not report.is_group
    }
    if read:
        marked = Instance.objects.filter(pk__in=read).exclude(receipts_off_since=None)
        marked.update(receipts_off_since=None)


def _was_read(instance: int, start: datetime, since: datetime) -> bool:
    """Whether an older message was read since then. Asked only before an instance is marked."""
    sent = Message.objects.filter(instance=instance, is_group=False, started_at__gte=start)
    return sent.filter(read_at__gte=since).exists() or sent.filter(played_at__gte=since).exists()
