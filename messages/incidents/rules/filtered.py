from collections.abc import Iterator

from messages.incidents.findings import Finding, Snapshot
from messages.instances.callback_filters import filtered_webhooks
from messages.models import IncidentKind


def filtered(snapshot: Snapshot) -> Iterator[Finding]:
    """Our URL is set, but a filter at Z-API stops the callbacks."""
    for instance in snapshot.instances:
        if held := filtered_webhooks(instance, instance.webhooks.all()):
            hooks = sorted(webhook.kind for webhook in held)
            yield Finding(IncidentKind.FILTERED, instance, values={"hooks": hooks})
