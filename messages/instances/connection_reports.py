"""The first real callback of each webhook: it proves more than anything Z-API says of itself."""

from django.db.models import Subquery

from messages.ingest.callback_batch import CallbackBatch
from messages.models import Callback, FollowUp, Webhook, WebhookKind

# Which webhook brought a callback of this type.
KIND_OF_TYPE = {
    "MessageStatusCallback": WebhookKind.MESSAGE_STATUS,
    "DeliveryCallback": WebhookKind.DELIVERY,
    "ConnectedCallback": WebhookKind.CONNECTED,
    "DisconnectedCallback": WebhookKind.DISCONNECTED,
}


def record_connection_reports(heard: CallbackBatch) -> None:
    """A webhook that has been heard costs nothing more."""
    first: dict[tuple[int, str], FollowUp] = {}
    for follow_up in heard.follow_ups:
        if kind := KIND_OF_TYPE.get(follow_up.type):
            first.setdefault((follow_up.instance_id, kind), follow_up)
    known = {
        (one.instance_id, one.kind): one.heard_at
        for one in Webhook.objects.filter(instance__in={instance for instance, _kind in first})
    }
    for key in sorted(first):  # in the order of every worker: no deadlock
        if known.get(key) is None:
            _note(*key, first[key])


def waits_to_be_noted(webhook: Webhook) -> bool:
    """Whether what this webhook brought is stored, and no worker has been through with it."""
    types = [type_ for type_, kind in KIND_OF_TYPE.items() if kind == webhook.kind]
    follow_ups = FollowUp.objects.filter(instance=webhook.instance_id, type__in=types)
    # They have no index by instance. That of the callbacks spares most from looking through them.
    return Callback.objects.filter(instance=webhook.instance_id).exists() and follow_ups.exists()


def _note(instance_id: int, kind: str, follow_up: FollowUp) -> None:
    # There is none yet where the URL was set by hand.
    Webhook.objects.get_or_create(instance_id=instance_id, kind=kind)
    received = Callback.objects.filter(pk=follow_up.callback_id).values("received_at")[:1]
    Webhook.objects.filter(instance=instance_id, kind=kind, heard_at=None).update(
        heard_at=Subquery(received)
    )
