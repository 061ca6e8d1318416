"""Callbacks that Z-API holds back by `update-filters`, although their URL is set."""

from collections.abc import Iterable
from typing import Final

from messages.models import Instance, Webhook, WebhookKind

# What `update-filters` calls each kind, as far as Z-API publishes it.
_NAMES: Final = {
    WebhookKind.MESSAGE_STATUS: "FILTER_MESSAGE_STATUS_CALLBACK",
    WebhookKind.DELIVERY: "FILTER_DELIVERY_CALLBACK",
    WebhookKind.CONNECTED: "FILTER_CONNECTED_CALLBACK",
    WebhookKind.DISCONNECTED: "FILTER_DISCONNECTED_CALLBACK",
}


def held_back(instance: Instance, webhooks: Iterable[Webhook]) -> list[Webhook]:
    """Those of its webhooks that are wanted, and filtered by what Z-API said last."""
    filters = instance.filters or ()
    return [one for one in webhooks if one.is_wanted and _NAMES[WebhookKind(one.kind)] in filters]
