"""Sparklines of messages per hour, for all instances in one query."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from django.db.models import Sum
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from messages.models import HourlySummary, Instance

HOURS: Final = 24
_BAR, _GAP, _HEIGHT = 3, 1, 20


def hours_of(instances: Iterable[Instance]) -> dict[int, list[int]]:
    """Return the messages of each of the last 24 hours by instance, from the summaries."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = now - timedelta(hours=HOURS - 1)
    counts: dict[int, list[int]] = defaultdict(lambda: [0] * HOURS)
    rows = (
        HourlySummary.objects.filter(hour__gte=first, hour__lte=now, instance__in=instances)
        .values_list("instance", "hour")
        .annotate(number=Sum("messages"))
    )
    for instance, hour, number in rows:
        counts[instance][int((hour - first) / timedelta(hours=1))] += number
    return counts


def sparkline(hours: Sequence[int]) -> SafeString:
    """Draw bars relative to the busiest hour. An hour with messages always has a visible bar."""
    total = sum(hours)
    words = ngettext(
        "%(number)d message in the last 24 hours",
        "%(number)d messages in the last 24 hours",
        total,
    ) % {"number": total}
    # One path instead of rectangles, because a list has hundreds of bars.
    path = "".join(_bar(place, number, max(hours)) for place, number in enumerate(hours))
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<title>{}</title><path d="{}"/></svg>',
        *(len(hours) * (_BAR + _GAP) - _GAP, _HEIGHT, words, words, path),
    )


def _bar(place: int, number: int, most: int) -> str:
    height = max(3, round(_HEIGHT * number / most)) if number else 1
    return f"M{place * (_BAR + _GAP)} {_HEIGHT}v-{height}h{_BAR}v{height}z"
