from collections.abc import Iterator

from messages.models import IncidentKind, Webhook, WebhookState

from ..finding import Finding, Watch


def webhook_differs(watch: Watch) -> Iterator[Finding]:
    """Z-API calls another URL than ours where ours was pushed: somebody took the hook over."""
    differing: dict[int, list[str]] = {}
    webhooks = Webhook.objects.filter(state=WebhookState.DIFFERS).exclude(pushed_url="")
    for webhook in webhooks.order_by("kind"):
        differing.setdefault(webhook.instance_id, []).append(webhook.kind)
    for instance in watch.instances:
        if kinds := differing.get(instance.pk):
            yield Finding(IncidentKind.WEBHOOK, instance, values={"hooks": kinds})
