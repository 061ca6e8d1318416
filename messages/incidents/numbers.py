"""Adds the number of stuck messages to incidents; it is the same in each of them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.utils import timezone

from messages.models import Incident, IncidentKind

from .findings import Finding
from .stuck_messages import stuck_counts

# The key in `values` that holds the number, by kind.
_COUNT_KEYS: Final[dict[str, str]] = {
    IncidentKind.STUCK: "count",
    IncidentKind.DISCONNECTED: "stuck_count",
    IncidentKind.RESTRICTED: "stuck_count",
}


def add_stuck_counts(findings: Iterable[Finding], now: datetime) -> Iterator[Finding]:
    findings = list(findings)
    reporting = [one.instance for one in findings if one.instance and one.kind in _COUNT_KEYS]
    numbers = stuck_counts(reporting, now)
    for one in findings:
        if one.instance and one.kind in _COUNT_KEYS:
            number = {_COUNT_KEYS[one.kind]: numbers.get(one.instance.pk, 0)}
            yield replace(one, values={**one.values, **number})
        else:
            yield one


def with_current_stuck_counts(incidents: Iterable[Incident]) -> list[Incident]:
    """Copies for display, never saved: open incidents show the same number as other pages."""
    shown = list(incidents)
    reporting = [one for one in shown if one.is_open and one.instance and one.kind in _COUNT_KEYS]
    numbers = stuck_counts((one.instance for one in reporting if one.instance), timezone.now())
    for one in reporting:
        one.values = {**one.values, _COUNT_KEYS[one.kind]: numbers.get(one.instance_id or 0, 0)}
    return shown


def instances_with_reported_stuck_messages(instances: Iterable[int]) -> set[int]:
    """Return the instances whose stuck messages are reported by an open incident."""
    found = Incident.objects.open().filter(instance__in=instances, kind__in=_COUNT_KEYS)
    return {pk for pk in found.values_list("instance", flat=True) if pk is not None}
