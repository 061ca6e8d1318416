"""The first real callback of each webhook: it proves more than anything Z-API says of itself."""

from collections.abc import Sequence

from messages.models import Callback, FollowUp, Webhook, WebhookKind

# Which webhook brought a callback of this type.
KIND_OF_TYPE = {
    "MessageStatusCallback": WebhookKind.MESSAGE_STATUS,
    "DeliveryCallback": WebhookKind.DELIVERY,
    "ConnectedCallback": WebhookKind.CONNECTED,
    "DisconnectedCallback": WebhookKind.DISCONNECTED,
}


def note_heard(follow_ups: Sequence[FollowUp]) -> None:
    """Follow-ups come oldest first; a webhook that has been heard costs nothing more."""
    first: dict[tuple[int, str], FollowUp] = {}
    for follow_up in follow_ups:
        if kind := KIND_OF_TYPE.get(follow_up.type):
            first.setdefault((follow_up.instance_id, kind), follow_up)
    silent = Webhook.objects.filter(
        instance__in={instance for instance, _kind in first}, heard_at=None
    )
    waiting = {(one.instance_id, one.kind): one.pk for one in silent}
    for key in sorted(first.keys() & waiting.keys()):  # as every worker does: no deadlock
        received = Callback.objects.filter(pk=first[key].callback_id).values("received_at")[:1]
        Webhook.objects.filter(pk=waiting[key], heard_at=None).update(heard_at=received)
