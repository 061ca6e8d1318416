from collections.abc import Iterator

from messages.incidents.findings import Finding, Watch
from messages.instances.callback_filters import held_back
from messages.models import IncidentKind


def filtered(watch: Watch) -> Iterator[Finding]:
    """Registered but silent: the URL is ours, and Z-API was told not to call it."""
    for instance in watch.instances:
        if held := held_back(instance, instance.webhooks.all()):
            hooks = sorted(webhook.kind for webhook in held)
            yield Finding(IncidentKind.FILTERED, instance, values={"hooks": hooks})
