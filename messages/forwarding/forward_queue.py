from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from messages.domain.causes import Cause
from messages.ingest.callback_batch import CallbackBatch
from messages.models import Callback, FollowUp, Forward, ForwardLine, Outcome, Webhook

from .receivers import route


def enqueue(batch: CallbackBatch) -> None:
    """Queue the callbacks to forward, in the transaction that deletes their follow-ups."""
    forwarding = _forwarding({one.instance_id for one in batch.follow_ups})
    if not forwarding:
        return
    routed = [
        (one, webhook)
        for one in batch.follow_ups
        for webhook in route(one.type, forwarding[one.instance_id])
    ]
    now, bodies = timezone.now(), _bodies(one for one, _ in routed)
    ForwardLine.objects.bulk_create(
        [
            ForwardLine(webhook=webhook, next_try_at=now)
            for webhook in {webhook for _, webhook in routed}
        ],
        ignore_conflicts=True,
    )
    Forward.objects.bulk_create(
        Forward(
            webhook=webhook,
            callback_id=one.callback_id,
            body=bodies[one.callback_id],
            waiting_since=now,
        )
        for one, webhook in routed
        if one.callback_id in bodies
    )


def drop_unwanted() -> int:
    """Delete callbacks that were queued while forwarding was being turned off."""
    dropped, _ = Forward.objects.filter(webhook__forward_to="").delete()
    return dropped


def _forwarding(instances: Iterable[int]) -> dict[int, dict[str, Webhook]]:
    found: dict[int, dict[str, Webhook]] = defaultdict(dict)
    for webhook in Webhook.objects.filter(instance__in=instances).exclude(forward_to=""):
        found[webhook.instance_id][webhook.kind] = webhook
    return found


def _bodies(follow_ups: Iterable[FollowUp]) -> dict[UUID, bytes]:
    """Return bodies by callback id.

    Quarantined callbacks that may belong to another instance are left out.
    """
    carried = {one.callback_id: one.body for one in follow_ups}
    is_own = ~Q(outcome=Outcome.QUARANTINED) | Q(cause=Cause.UNKNOWN_TYPE)
    own = Callback.objects.filter(is_own, pk__in=list(carried))
    bodies = {pk: bytes(carried[pk] or body) for pk, body in own.values_list("pk", "body")}
    # A body is empty if it was not kept, or was purged.
    return {callback_id: body for callback_id, body in bodies.items() if body}
