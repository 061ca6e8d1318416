from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.models import IncidentKind

from ..finding import Finding, Watch

_AHEAD: Final = timedelta(days=7)


def expiring(watch: Watch) -> Iterator[Finding]:
    for instance in watch.instances:
        due = instance.due_at
        if due is not None and due <= watch.now + _AHEAD:
            values = {"due": due.isoformat(), "days": max(0, (due - watch.now).days)}
            if due <= watch.now:
                values["over"] = True
            yield Finding(IncidentKind.EXPIRING, instance, values=values)
