"""Whether WEBHOOK_SIGNING_KEYS still holds what the URLs known to Z-API were signed with."""

from messages.models import Instance, Webhook

from .webhook_urls import is_ours


def instances_cut_off() -> list[Instance]:
    """Those whose pushed URL no key opens any more: Z-API would be told that it does not exist."""
    pushed = Webhook.objects.exclude(pushed_url="").filter(instance__archived_at=None)
    found = {
        webhook.instance
        for webhook in pushed.select_related("instance")
        if not is_ours(webhook.pushed_url)
    }
    return sorted(found, key=lambda instance: instance.name)
