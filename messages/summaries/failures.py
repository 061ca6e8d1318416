"""Failed messages by reason, counted per UTC day: a month is then the sum of few rows."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import TruncDate

from messages.accounts.scope import Viewer
from messages.domain.message_kinds import COUNTED
from messages.models import DailyFailure, Message
from messages.models.functions import of_kinds
from messages.models.message import FAILED

from .days import any_of, between, by_day, on_days, rows_of_days
from .selection import Selection


def failure_reasons(user: Viewer, selection: Selection) -> Counter[str]:
    """The number of failed messages by failure code.

    Whole days are read from their summaries. The hours before and after them are counted.
    """
    days = selection.whole_days(user, DailyFailure.objects.values_list("code"))
    gaps = [
        selection.limit(user, _failed().filter(between("started_at", *gap)))
        for gap in selection.outside_whole_days()
    ]
    # A query per gap: PostgreSQL would read the whole index for both together.
    counted = [gap.values_list("failure_code").annotate(number=Count("pk")) for gap in gaps]
    found: Counter[str] = Counter()
    for code, number in days.annotate(number=Sum("messages")).union(*counted, all=True):
        found[code] += number
    return found


def sum_failures(hours: Iterable[tuple[int, datetime]]) -> None:
    """Count the failures of the days that contain these hours, after sum_days()."""
    days = by_day(hours)
    failed = _failed().filter(any_of(on_days("started_at", days)))
    kinds = failed.values("instance_id", "is_group", day=TruncDate("started_at", tzinfo=UTC))
    rows = list(kinds.annotate(code=F("failure_code"), messages=Count("pk")).order_by())
    DailyFailure.objects.filter(any_of(rows_of_days(days))).delete()
    DailyFailure.objects.bulk_create(DailyFailure(**row) for row in rows)


def _failed() -> QuerySet[Message]:
    return Message.objects.filter(FAILED, of_kinds(COUNTED))
