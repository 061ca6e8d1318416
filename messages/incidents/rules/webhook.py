from collections.abc import Iterator

from messages.incidents.findings import Finding, Watch
from messages.instances.sync import is_taken
from messages.instances.webhook_urls import webhook_url
from messages.models import Incident, IncidentKind, Webhook, WebhookState


def webhook_differs(watch: Watch) -> Iterator[Finding]:
    """Z-API calls another URL than ours, or none: somebody took the hook over, or had it before."""
    for instance in watch.instances:
        incident = watch.opened(IncidentKind.WEBHOOK, instance)
        differing = [
            webhook
            for webhook in sorted(instance.webhooks.all(), key=lambda one: one.kind)
            if _differs(webhook) or _did(webhook, incident)
        ]
        if differing:
            values = {
                "hooks": [webhook.kind for webhook in differing],
                "missing": [webhook.kind for webhook in differing if not webhook.found_url],
            }
            yield Finding(IncidentKind.WEBHOOK, instance, values=values)


def _differs(webhook: Webhook) -> bool:
    """Where ours was never pushed, only somebody else's: a push may be on its way."""
    is_ours_to_have = webhook.pushed_url or is_taken(webhook)
    return webhook.state == WebhookState.DIFFERS and bool(is_ours_to_have)


def _did(webhook: Webhook, incident: Incident | None) -> bool:
    """While Z-API does not answer, what it said last stands: nobody has put our URL back."""
    return (
        incident is not None
        and webhook.kind in incident.values.get("hooks", ())
        and webhook.state == WebhookState.UNREACHABLE
        and webhook.found_url != webhook_url(webhook.instance)
    )
