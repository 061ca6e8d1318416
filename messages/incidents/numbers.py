"""The number of stuck messages, the same in every incident that tells of it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.utils import timezone

from messages.models import Incident, IncidentKind

from .findings import Finding
from .stuck_messages import stuck_numbers

# By which of its values each kind tells it.
_VALUES: Final[dict[str, str]] = {
    IncidentKind.STUCK: "count",
    IncidentKind.DISCONNECTED: "stuck_count",
}


def numbered(findings: Iterable[Finding], now: datetime) -> Iterator[Finding]:
    findings = list(findings)
    telling = [one.instance for one in findings if one.instance and one.kind in _VALUES]
    numbers = stuck_numbers(telling, now)
    for one in findings:
        if one.instance and one.kind in _VALUES:
            number = {_VALUES[one.kind]: numbers.get(one.instance.pk, 0)}
            yield replace(one, values={**one.values, **number})
        else:
            yield one


def with_numbers_of_now(incidents: Iterable[Incident]) -> list[Incident]:
    """To be shown, not saved: what is open tells the number that other pages tell at this time."""
    shown = list(incidents)
    telling = [one for one in shown if one.is_open and one.instance and one.kind in _VALUES]
    numbers = stuck_numbers((one.instance for one in telling if one.instance), timezone.now())
    for one in telling:
        one.values = {**one.values, _VALUES[one.kind]: numbers.get(one.instance_id or 0, 0)}
    return shown


def instances_told_of(instances: Iterable[int]) -> set[int]:
    """Those whose stuck messages an open incident tells of."""
    found = Incident.objects.open().filter(instance__in=instances, kind__in=_VALUES)
    return {pk for pk in found.values_list("instance", flat=True) if pk is not None}
