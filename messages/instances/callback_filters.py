"""Callbacks that a filter at Z-API blocks (`update-filters`), although their URL is set."""

from collections.abc import Iterable
from typing import Final

from messages.models import Instance, OtherKind, Webhook, WebhookKind

# The documented names of the filters.
_NAMES: Final[dict[str, str]] = {
    WebhookKind.MESSAGE_STATUS: "FILTER_MESSAGE_STATUS_CALLBACK",
    WebhookKind.DELIVERY: "FILTER_DELIVERY_CALLBACK",
    WebhookKind.CONNECTED: "FILTER_CONNECTED_CALLBACK",
    WebhookKind.DISCONNECTED: "FILTER_DISCONNECTED_CALLBACK",
    OtherKind.RECEIVED: "FILTER_RECEIVED_CALLBACK",
}


def filtered_webhooks(instance: Instance, webhooks: Iterable[Webhook]) -> list[Webhook]:
    """Return the wanted webhooks that a filter blocks, according to the last check."""
    filters = instance.filters or ()
    return [one for one in webhooks if one.is_wanted and _NAMES.get(one.kind) in filters]
