"""Which webhook of an instance a callback belongs to."""

from collections.abc import Mapping

from messages.instances.hearing import KIND_OF_TYPE
from messages.models import Webhook, WebhookKind


def route(callback_type: str, forwarding: Mapping[str, Webhook]) -> Webhook | None:
    """Choose among the webhooks that forward, by kind; None where the callback goes nowhere.

    Inbound messages, presence and the like belong to no kind that is kept here. They arrive when
    somebody gave Z-API this board's URL for every hook, and whose they were is not known. So they
    go on only where no other answer is possible: all kinds forward, and to one and the same URL.
    """
    if kind := KIND_OF_TYPE.get(callback_type):
        return forwarding.get(kind)
    urls = {webhook.forward_to for webhook in forwarding.values()}
    is_one_for_all = len(urls) == 1 and len(forwarding) == len(WebhookKind)
    return forwarding[WebhookKind.MESSAGE_STATUS] if is_one_for_all else None
