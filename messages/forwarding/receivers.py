"""Find the receivers of a callback."""

from collections.abc import Iterable, Mapping

from messages.instances.first_callbacks import KIND_OF_TYPE
from messages.models import Webhook, WebhookKind
from messages.zapi.webhook_kinds import kinds_of_type


def route(callback_type: str, forwarding: Mapping[str, Webhook]) -> list[Webhook]:
    """Choose the webhooks that forward this callback.

    `forwarding` holds all webhooks with forwarding, by kind. All webhooks use one URL here, so only
    the type shows which webhook a callback belongs to. A callback of an unknown type is forwarded
    only if there is a single receiver for everything.
    """
    if kind := KIND_OF_TYPE.get(callback_type):
        return [forwarding[kind]] if kind in forwarding else []
    named = (forwarding[kind] for kind in kinds_of_type(callback_type, forwarding))
    return _by_receiver(named) or _only_receiver(forwarding)


def _only_receiver(forwarding: Mapping[str, Webhook]) -> list[Webhook]:
    """Return one webhook if all kinds forward to the same URL."""
    main = [forwarding[kind] for kind in WebhookKind.values if kind in forwarding]
    is_one_for_all = len(main) == len(WebhookKind) and len(_by_receiver(main)) == 1
    return main[:1] if is_one_for_all else []


def _by_receiver(webhooks: Iterable[Webhook]) -> list[Webhook]:
    """Return one webhook per URL, so that no receiver gets a callback twice."""
    return list({one.forward_to: one for one in webhooks}.values())
