"""Why messages are stuck, where Z-API can tell: they wait in its own queue."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from messages.instances.reading import FAILURES, client_of
from messages.models import IncidentKind, Instance

from .finding import Finding, Watch

_ASKED_OF: Final = {IncidentKind.DISCONNECTED, IncidentKind.STUCK}
# Each call may take half a minute, and an outage at Z-API concerns all instances at once.
_ASKED_EVERY: Final = timedelta(minutes=5)
_MOST_CALLS: Final = 10
# No incident waits longer than this, and one call: what is not explained yet is so at a later look.
_PATIENCE: Final = 20.0  # seconds


def explain(findings: Iterable[Finding], watch: Watch) -> Iterator[Finding]:
    """Add `queued`, the number in Z-API's queue, or None where it was never told."""
    calls, began = 0, time.monotonic()
    for finding in findings:
        if finding.kind not in _ASKED_OF or finding.instance is None:
            yield finding
            continue
        known = _known(finding, watch)
        is_patient = calls < _MOST_CALLS and time.monotonic() - began < _PATIENCE
        if is_patient and not _is_fresh(known, watch.now):
            calls += 1
            queued = queued_at_zapi(finding.instance)
            # While Z-API does not answer, what it said before stands.
            known = {
                "queued": known.get("queued") if queued is None else queued,
                "asked": watch.now.isoformat(),
            }
        yield replace(finding, values={**finding.values, **known})


def queued_at_zapi(instance: Instance) -> int | None:
    try:
        return client_of(instance).queue_count()
    except FAILURES:
        return None


def _known(finding: Finding, watch: Watch) -> dict[str, Any]:
    """What was told before, and when it was asked for."""
    incident = watch.open.get(finding.subject)
    values = incident.values if incident else {}
    return {name: values[name] for name in ("queued", "asked") if name in values}


def _is_fresh(known: dict[str, Any], now: datetime) -> bool:
    if not known.get("asked"):
        return False
    return now - datetime.fromisoformat(known["asked"]) < _ASKED_EVERY
