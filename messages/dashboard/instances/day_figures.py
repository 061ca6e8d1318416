"""What became of each instance's messages in the last 24 hours, in one query."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messages.dashboard.shared.moments import duration
from messages.dashboard.shared.views import path_of
from messages.models import HourlySummary, Instance
from messages.models.functions import Sums
from messages.models.summary import LATENCY_EDGES, latency_column
from messages.summaries import Histogram
from messages.summaries.latencies import MEDIAN

_LATENCY: Final = "delivered"
_COLUMNS: Final = tuple(latency_column(_LATENCY, edge) for edge in (*LATENCY_EDGES, None))


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The messages that an instance sent, and how long the delivered ones took."""

    instance_id: int
    messages: int
    delivered: int
    to_delivered: Histogram

    @property
    def delivered_percent(self) -> str:
        return number_format(100 * self.delivered / self.messages, decimal_pos=1)

    @property
    def typically(self) -> str:
        """The median delivery time in words; '' if no time is known."""
        median = self.to_delivered.quantile(MEDIAN)
        if median is None:
            return ""
        time = duration(timedelta(seconds=round(median.total_seconds())))
        return _("typically %(time)s") % {"time": time}

    @property
    def of_messages(self) -> str:
        words = ngettext("of %(number)s message", "of %(number)s messages", self.messages)
        return words % {"number": number_format(self.messages, force_grouping=True)}

    @property
    def url(self) -> str:
        query = urlencode({"instance": self.instance_id, "period": "24h"})
        return f"{path_of('messages')}?{query}"


def day_figures(instances: Iterable[Instance]) -> dict[int, DayFigures]:
    """Return the figures of the instances that sent something, by primary key."""
    since = timezone.now() - timedelta(hours=24)
    by_hour = HourlySummary.objects.filter(hour__gte=since, instance__in=instances)
    columns = ("messages", "delivered", *_COLUMNS)
    found = by_hour.values_list("instance_id").annotate(sums=Sums(*columns))
    rows = {pk: dict(zip(columns, sums, strict=True)) for pk, sums in found}
    return {pk: _figures(pk, row) for pk, row in rows.items() if row["messages"]}


def _figures(instance_id: int, row: Mapping[str, int]) -> DayFigures:
    histogram = Histogram.of(_LATENCY, row)
    return DayFigures(instance_id, row["messages"], row["delivered"], histogram)
