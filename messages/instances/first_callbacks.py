"""Record when the first callback of each webhook arrived: proof that the webhook works."""

from django.db.models import Subquery

from messages.ingest.callback_batch import CallbackBatch
from messages.models import Callback, FollowUp, Webhook, WebhookKind

# The webhook of each callback type.
KIND_OF_TYPE = {
    "MessageStatusCallback": WebhookKind.MESSAGE_STATUS,
    "DeliveryCallback": WebhookKind.DELIVERY,
    "ConnectedCallback": WebhookKind.CONNECTED,
    "DisconnectedCallback": WebhookKind.DISCONNECTED,
}


def record_first_callbacks(batch: CallbackBatch) -> None:
    """Save the time of each webhook's first callback in the batch."""
    first: dict[tuple[int, str], FollowUp] = {}
    for follow_up in batch.follow_ups:
        if kind := KIND_OF_TYPE.get(follow_up.type):
            first.setdefault((follow_up.instance_id, kind), follow_up)
    known = {
        (one.instance_id, one.kind): one.heard_at
        for one in Webhook.objects.filter(instance__in={instance for instance, _kind in first})
    }
    for key in sorted(first):  # the same order in every worker, to avoid deadlocks
        if known.get(key) is None:
            _note(*key, first[key])


def has_unprocessed_callbacks(webhook: Webhook) -> bool:
    """Whether callbacks of this webhook are stored but not processed by a worker yet."""
    types = [type_ for type_, kind in KIND_OF_TYPE.items() if kind == webhook.kind]
    follow_ups = FollowUp.objects.filter(instance=webhook.instance_id, type__in=types)
    # Follow-ups have no index by instance, so check the indexed callbacks first.
    return Callback.objects.filter(instance=webhook.instance_id).exists() and follow_ups.exists()


def _note(instance_id: int, kind: str, follow_up: FollowUp) -> None:
    # There is no webhook yet if the URL was set by hand.
    Webhook.objects.get_or_create(instance_id=instance_id, kind=kind)
    received = Callback.objects.filter(pk=follow_up.callback_id).values("received_at")[:1]
    Webhook.objects.filter(instance=instance_id, kind=kind, heard_at=None).update(
        heard_at=Subquery(received)
    )
