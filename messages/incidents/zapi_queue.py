"""What Z-API tells of an incident: how many messages wait in its queue, what reconnects."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from messages.instances.sync import FAILURES, client_of, note_connection
from messages.models import Incident, IncidentKind, Instance
from messages.zapi.client import Queue

from .findings import Finding, Watch

_NAMES: Final = ("queued", "queued_is_least", "asked")
_ASKED_OF: Final = {IncidentKind.DISCONNECTED, IncidentKind.STUCK}
# Each call may take half a minute, and an outage at Z-API concerns all instances at once.
_ASKED_EVERY: Final = timedelta(minutes=5)
_MAX_CALLS: Final = 10
# No incident waits longer than this, and one call: what is not explained yet is so at a later look.
_PATIENCE: Final = 20.0  # seconds


def explain(findings: Iterable[Finding], watch: Watch) -> Iterator[Finding]:
    """Add `queued`, the number in Z-API's queue, or None where it was never told.

    `queued_is_least` says that there may be more.
    """
    calls, began = 0, time.monotonic()
    for finding in findings:
        if finding.kind not in _ASKED_OF or finding.instance is None:
            yield finding
            continue
        known = _known(finding, watch)
        is_patient = calls < _MAX_CALLS and time.monotonic() - began < _PATIENCE
        if is_patient and not _is_fresh(known, watch.now):
            calls += 1
            # While Z-API does not answer, what it said before stands.
            known = {"queued": None, **known, **_told(finding.instance)}
            known["asked"] = watch.now.isoformat()
            if finding.kind == IncidentKind.DISCONNECTED:
                known |= _status(finding.instance, watch.now)
        yield replace(finding, values={**finding.values, **known})


def _told(instance: Instance) -> dict[str, Any]:
    queue = queued_at_zapi(instance)
    return {"queued": queue.count, "queued_is_least": queue.is_least} if queue else {}


def _status(instance: Instance, now: datetime) -> dict[str, Any]:
    """What Z-API says of a disconnected number: what helps depends on it."""
    try:
        status = client_of(instance).status()
    except FAILURES:
        return {}
    note_connection(instance, status, now)
    return {} if status.connected else {"status": status.error, "smartphone": status.smartphone}


def queue_of(instance: Instance) -> Mapping[str, Any]:
    """What an open incident tells of the instance's queue, by the names above; or nothing."""
    incidents = Incident.objects.open().filter(instance=instance, kind__in=_ASKED_OF)
    values = list(incidents.values_list("values", flat=True))
    return next((one for one in values if one.get("queued") is not None), {})


def queued_at_zapi(instance: Instance) -> Queue | None:
    try:
        return client_of(instance).queue()
    except FAILURES:
        return None


def _known(finding: Finding, watch: Watch) -> dict[str, Any]:
    """What was told before, and when it was asked for."""
    incident = watch.open.get(finding.subject)
    values = incident.values if incident else {}
    return {name: values[name] for name in _NAMES if name in values}


def _is_fresh(known: dict[str, Any], now: datetime) -> bool:
    if not known.get("asked"):
        return False
    return now - datetime.fromisoformat(known["asked"]) < _ASKED_EVERY
