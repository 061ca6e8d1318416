"""Adds to incidents how many messages wait in Z-API's queue, and the connection status."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from messages.instances.sync import FAILURES, client_of, note_connection
from messages.models import Incident, IncidentKind, Instance
from messages.zapi.client import Queue

from .findings import Finding, Snapshot

_KEYS: Final = ("queued", "queued_is_least", "asked")
_ASKED_KINDS: Final = {IncidentKind.DISCONNECTED, IncidentKind.STUCK}
# Each call may take half a minute, and an outage at Z-API affects all instances at once.
_ASKED_EVERY: Final = timedelta(minutes=5)
_MAX_CALLS: Final = 10
# Incidents are not delayed longer than this plus one call. The remaining instances are asked in the
# next check.
_TIME_LIMIT: Final = 20.0  # seconds


def add_queue_values(findings: Iterable[Finding], snapshot: Snapshot) -> Iterator[Finding]:
    """Add `queued`, the number of messages in Z-API's queue, or None if it is unknown.

    `queued_is_least` is set if there may be more.
    """
    calls, started = 0, time.monotonic()
    for finding in findings:
        if finding.kind not in _ASKED_KINDS or finding.instance is None:
            yield finding
            continue
        known = _known_values(finding, snapshot)
        may_ask = calls < _MAX_CALLS and time.monotonic() - started < _TIME_LIMIT
        if may_ask and not _is_fresh(known, snapshot.now):
            calls += 1
            # If Z-API does not answer, the previous values are kept.
            known = {"queued": None, **known, **_queue_values(finding.instance)}
            known["asked"] = snapshot.now.isoformat()
            if finding.kind == IncidentKind.DISCONNECTED:
                known |= _status(finding.instance, snapshot.now)
        yield replace(finding, values={**finding.values, **known})


def _queue_values(instance: Instance) -> dict[str, Any]:
    queue = queued_at_zapi(instance)
    return {"queued": queue.count, "queued_is_least": queue.is_minimum} if queue else {}


def _status(instance: Instance, now: datetime) -> dict[str, Any]:
    """Z-API's status of a disconnected number. The advice depends on it."""
    try:
        status = client_of(instance).status()
    except FAILURES:
        return {}
    note_connection(instance, status, now)
    return {} if status.connected else {"status": status.error, "smartphone": status.smartphone}


def queue_values(instance: Instance) -> Mapping[str, Any]:
    """The queue values of the instance's open incident, or nothing."""
    incidents = Incident.objects.open().filter(instance=instance, kind__in=_ASKED_KINDS)
    values = list(incidents.values_list("values", flat=True))
    return next((one for one in values if one.get("queued") is not None), {})


def queued_at_zapi(instance: Instance) -> Queue | None:
    try:
        return client_of(instance).queue()
    except FAILURES:
        return None


def _known_values(finding: Finding, snapshot: Snapshot) -> dict[str, Any]:
    """The values of the open incident, and when Z-API was last asked."""
    incident = snapshot.open.get(finding.subject)
    values = incident.values if incident else {}
    return {name: values[name] for name in _KEYS if name in values}


def _is_fresh(known: dict[str, Any], now: datetime) -> bool:
    if not known.get("asked"):
        return False
    return now - datetime.fromisoformat(known["asked"]) < _ASKED_EVERY
