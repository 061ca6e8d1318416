from collections.abc import Iterator

from messages.incidents.findings import Finding, Snapshot
from messages.instances.sync import is_taken
from messages.instances.webhook_urls import webhook_url
from messages.models import Incident, IncidentKind, Webhook, WebhookState


def webhook_differs(snapshot: Snapshot) -> Iterator[Finding]:
    """Z-API calls another URL than ours, or none."""
    for instance in snapshot.instances:
        incident = snapshot.open_incident(IncidentKind.WEBHOOK, instance)
        differing = [
            webhook
            for webhook in sorted(instance.webhooks.all(), key=lambda one: one.kind)
            if _differs(webhook) or _still_differed(webhook, incident)
        ]
        if differing:
            values = {
                "hooks": [webhook.kind for webhook in differing],
                "missing": [webhook.kind for webhook in differing if not webhook.found_url],
                "foreign": [webhook.kind for webhook in differing if is_taken(webhook)],
            }
            yield Finding(IncidentKind.WEBHOOK, instance, values=values)


def _differs(webhook: Webhook) -> bool:
    """Whether our URL was replaced, or another system's URL was there before the first push."""
    is_ours_to_have = webhook.pushed_url or is_taken(webhook)
    return webhook.state == WebhookState.DIFFERS and bool(is_ours_to_have)


def _still_differed(webhook: Webhook, incident: Incident | None) -> bool:
    """Whether the last known URL was not ours. It still counts while Z-API does not answer."""
    return (
        incident is not None
        and webhook.kind in incident.values.get("hooks", ())
        and webhook.state == WebhookState.UNREACHABLE
        and webhook.found_url != webhook_url(webhook.instance)
    )
