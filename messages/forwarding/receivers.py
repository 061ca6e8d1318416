"""Which webhooks of an instance a callback belongs to."""

from collections.abc import Iterable, Mapping

from messages.instances.first_callbacks import KIND_OF_TYPE
from messages.models import Webhook, WebhookKind
from messages.zapi.webhook_kinds import kinds_of_type


def route(callback_type: str, forwarding: Mapping[str, Webhook]) -> list[Webhook]:
    """Choose among the webhooks that forward, by kind; none where the callback goes nowhere.

    All webhooks have one URL here, so the type alone tells which one brought a callback. One that
    no webhook is named after goes on only where no other answer is possible.
    """
    if kind := KIND_OF_TYPE.get(callback_type):
        return [forwarding[kind]] if kind in forwarding else []
    named = (forwarding[kind] for kind in kinds_of_type(callback_type, forwarding))
    return _by_receiver(named) or _only_receiver(forwarding)


def _only_receiver(forwarding: Mapping[str, Webhook]) -> list[Webhook]:
    """Whoever had every webhook before: all kinds forward, and to one and the same URL."""
    main = [forwarding[kind] for kind in WebhookKind.values if kind in forwarding]
    is_one_for_all = len(main) == len(WebhookKind) and len(_by_receiver(main)) == 1
    return main[:1] if is_one_for_all else []


def _by_receiver(webhooks: Iterable[Webhook]) -> list[Webhook]:
    """One webhook for each URL: nobody gets a callback twice."""
    return list({one.forward_to: one for one in webhooks}.values())
