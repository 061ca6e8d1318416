"""Which messages to count, and the summaries to add up for them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from messages.accounts.scope import Viewer, limited_to
from messages.models import DailySummary, HourlySummary

from .days import any_of, between, whole_days


@dataclass(frozen=True, slots=True)
class Selection:
    """Messages sent from `since` (inclusive) to `until` (exclusive), in whole hours.

    `instances` and `groups` are None for all. What a person may not see is never counted.
    """

    since: datetime
    until: datetime
    instances: Collection[int] | None = None
    groups: bool | None = None

    def hours(self, user: Viewer) -> QuerySet[HourlySummary]:
        of_period = HourlySummary.objects.filter(between("hour", self.since, self.until))
        return self.limit(user, of_period)

    def whole_days_and_other_hours(self, user: Viewer) -> list[QuerySet[Any]]:
        """The fewest summaries that cover the time."""
        first, last = whole_days(self.since, self.until)
        if first >= last:
            return [self.hours(user)]
        days = self.whole_days(user, DailySummary.objects.all())
        others = any_of(between("hour", *gap) for gap in self.outside_whole_days())
        return [days, self.limit(user, HourlySummary.objects.filter(others))]

    def whole_days(self, user: Viewer, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the UTC days that are completely in the period."""
        first, last = whole_days(self.since, self.until)
        return self.limit(user, rows.filter(day__gte=first.date(), day__lt=last.date()))

    def outside_whole_days(self) -> list[tuple[datetime, datetime]]:
        """The times in the period before and after its whole days."""
        first, last = whole_days(self.since, self.until)
        if first >= last:
            return [(self.since, self.until)]
        return [(self.since, first), (last, self.until)]

    def limit(self, user: Viewer, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = {"instance__in": self.instances, "is_group": self.groups}
        filters = {name: value for name, value in asked.items() if value is not None}
        return limited_to(user, rows.filter(**filters))
