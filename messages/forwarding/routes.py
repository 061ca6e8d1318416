"""Which webhook of an instance a callback belongs to."""

from collections.abc import Mapping

from messages.instances.hearing import KIND_OF_TYPE
from messages.models import OtherKind, Webhook, WebhookKind

_OTHER_KIND_OF_TYPE = {
    "ReceivedCallback": OtherKind.RECEIVED,
    "PresenceChatCallback": OtherKind.CHAT_PRESENCE,
}


def route(callback_type: str, forwarding: Mapping[str, Webhook]) -> Webhook | None:
    """Choose among the webhooks that forward, by kind; None where the callback goes nowhere.

    Inbound messages and presence arrive when somebody gave Z-API this board's URL for every hook.
    Where nobody said whose they are, and for types that belong to no hook known here, they go on
    only where no other answer is possible: all kinds forward, and to one and the same URL.
    """
    if kind := KIND_OF_TYPE.get(callback_type):
        return forwarding.get(kind)
    other = _OTHER_KIND_OF_TYPE.get(callback_type)
    if other and other in forwarding:
        return forwarding[other]
    urls = {forwarding[kind].forward_to if kind in forwarding else "" for kind in WebhookKind}
    is_one_for_all = len(urls) == 1 and "" not in urls
    return forwarding[WebhookKind.MESSAGE_STATUS] if is_one_for_all else None
