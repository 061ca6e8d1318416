"""Why messages are stuck, where Z-API can tell: they wait in its own queue."""

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


def explain(findings: Iterable[Finding], watch: Watch) -> Iterator[Finding]:
    """Add `queued`, the number in Z-API's queue, or None where it could not be asked."""
    calls = 0
    for finding in findings:
        if finding.kind not in _ASKED_OF or finding.instance is None:
            yield finding
            continue
        known = _known(finding, watch)
        if known is None and calls < _MOST_CALLS:
            calls += 1
            known = {"queued": queued_at_zapi(finding.instance), "asked": watch.now.isoformat()}
        yield replace(finding, values={**finding.values, **(known or {})})


def queued_at_zapi(instance: Instance) -> int | None:
    try:
        return client_of(instance).queue_count()
    except FAILURES:
        return None


def _known(finding: Finding, watch: Watch) -> dict[str, Any] | None:
    """What was asked a short while ago."""
    incident = watch.open.get(finding.subject)
    asked = incident.values.get("asked") if incident else None
    if incident is None or not asked:
        return None
    if watch.now - datetime.fromisoformat(asked) >= _ASKED_EVERY:
        return None
    return {name: incident.values.get(name) for name in ("queued", "asked")}
