"""The number of stuck messages per instance, and why there is no incident for them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from messages.incidents.incident_links import messages_page
from messages.incidents.numbers import instances_with_reported_stuck_messages
from messages.incidents.presentation import what_counts_as_stuck, why_no_incident
from messages.incidents.stuck_messages import (
    RecentCounts,
    counted_days,
    recent_counts,
    stuck_counts,
)
from messages.models import Instance


@dataclass(frozen=True, slots=True)
class StuckRow:
    """`why_no_incident` is '' if an open incident reports the number."""

    instance: Instance
    number: int
    is_below_threshold: bool
    why_no_incident: str

    @property
    def explanation(self) -> str:
        counted = what_counts_as_stuck(counted_days(self.instance))
        return f"{self.why_no_incident} {counted}".lstrip()

    @property
    def url(self) -> str:
        """The counted messages on the Messages page, oldest first."""
        return messages_page(self.instance, "stuck").path


def stuck_rows(instances: Iterable[Instance]) -> dict[int, StuckRow]:
    """Return the instances with stuck messages by primary key.

    Those with the most stuck messages come first.
    """
    by_pk, now = {one.pk: one for one in instances}, timezone.now()
    numbers = stuck_counts(by_pk.values(), now)
    if not numbers:
        return {}
    reported = instances_with_reported_stuck_messages(numbers)
    found = recent_counts([by_pk[pk] for pk in numbers], now)
    most_first = sorted(numbers.items(), key=lambda item: -item[1])
    return {
        pk: _row(by_pk[pk], number, found.get(pk, RecentCounts()), is_reported=pk in reported)
        for pk, number in most_first
    }


def _row(instance: Instance, number: int, found: RecentCounts, *, is_reported: bool) -> StuckRow:
    why = "" if is_reported else why_no_incident(number, found)
    return StuckRow(instance, number, not is_reported and not found.is_incident, why)
