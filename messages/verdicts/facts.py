"""Gathers the facts about a message that did not arrive: one query for each source."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q

from messages.accounts.masking import mask_text, sees_phones
from messages.accounts.scope import Viewer, limited_to
from messages.answers import Response
from messages.domain import addresses
from messages.domain.failures import find_failure
from messages.domain.message_kinds import MessageKind
from messages.domain.statuses import Status
from messages.domain.verdict import (
    Facts,
    Finding,
    InstanceState,
    Neighbours,
    QueuePlace,
    Record,
    Trouble,
)
from messages.incidents.stuck_causes import explains, subscription_ended_at
from messages.incidents.stuck_messages import MAY_BE_STUCK, stuck_for
from messages.models import Incident, IncidentKind, Label, Message, QueueReading
from messages.models.functions import of_kinds, reached
from messages.search.matches import aliases_of
from messages.search.querysets import Order, message_set

# Half an hour with the message in the middle.
_AROUND: Final = timedelta(minutes=15)
# A message needs some time to be delivered.
_TIME_TO_DELIVER: Final = timedelta(minutes=1)
# More are not read: these are enough, and an instance may send ten thousand in half an hour.
_MAX_NEIGHBOURS: Final = 1000
# Of each address of the recipient.
_MAX_OF_ADDRESS: Final = 30
_AFTERWARDS: Final = timedelta(days=7)
_MAX_ADDRESSES: Final = 6
_MAX_INCIDENTS: Final = 20
# The most likely cause first.
_STATES: Final[dict[str, Finding]] = {
    IncidentKind.DISCONNECTED: Finding.DISCONNECTED,
    IncidentKind.EXPIRING: Finding.SUBSCRIPTION_ENDED,
    IncidentKind.RESTRICTED: Finding.RESTRICTED,
    IncidentKind.WEBHOOK: Finding.STATUSES_MISSING,
    IncidentKind.FILTERED: Finding.STATUSES_MISSING,
    IncidentKind.SILENT: Finding.STATUSES_MISSING,
}


def announced_message(label: Label) -> Message:
    """The message that a label announced, as far as it is known. It is not stored."""
    at = label.awaited_since or label.updated_at
    return Message(
        instance=label.instance,
        zapi_id=label.zapi_id,
        zaap_id=label.zaap_id,
        rank=Status.UNKNOWN.rank,
        is_group=False,
        inbound=False,
        first_heard_at=at,
        started_at=at,
    )


def trouble_of(message: Message, now: datetime) -> Trouble | None:
    """None if the message has no verdict: it was delivered, may still be, or is inbound.

    A message that is not stored was announced, and never confirmed.
    """
    if message.pk is None:
        return Trouble.UNCONFIRMED
    if message.rank == Status.FAILED.rank and not message.inbound:
        return Trouble.FAILED
    return Trouble.STUCK if stuck_for(message, now) is not None else None


def facts_of(
    message: Message,
    user: Viewer,
    now: datetime,
    response: Response | None = None,
) -> Facts | None:
    """None, and no query, if the message has no verdict. `user` must be allowed to see it.

    `response` is what the contact did with the message, from messages.answers.
    """
    trouble = trouble_of(message, now)
    if trouble is None:
        return None
    is_shared = message.kind is not MessageKind.INDIVIDUAL
    return Facts(
        trouble=trouble,
        reason=message.failure if sees_phones(user) else mask_text(message.failure),
        failure=find_failure(message.failure),
        sent_at=message.sent_at,
        is_shared=is_shared,
        has_address=bool(message.phone),
        is_connected=message.instance.connected is True,
        instance=_instance_state(message),
        queue=_queue_place(message),
        neighbours=_neighbours(message, now),
        record=replace(
            Record() if is_shared or not message.phone else _record(message, user),
            answered_at=response.answered_at if response else None,
            wrote_at=response.wrote_at if response else None,
        ),
    )


def _instance_state(message: Message) -> InstanceState:
    """From the problems at that time; else from the last report of its connection."""
    instance, started = message.instance, message.started_at
    lasting = Q(resolved_at=None) | Q(resolved_at__gt=started)
    kinds = list(_STATES)
    found = Incident.objects.filter(lasting, instance=instance, kind__in=kinds)
    incidents = [
        one for one in found.order_by("-opened_at")[:_MAX_INCIDENTS] if explains(one, message)
    ]
    if incidents:
        worst = min(incidents, key=lambda one: kinds.index(one.kind))
        is_subscription = worst.kind == IncidentKind.EXPIRING
        since = subscription_ended_at(worst) if is_subscription else worst.opened_at
        return InstanceState(_STATES[worst.kind], since, worst.resolved_at)
    if instance.due_at and instance.due_at <= started:
        return InstanceState(Finding.SUBSCRIPTION_ENDED, instance.due_at)
    changed = instance.connection_changed_at
    if changed is None or changed > started or instance.connected is None:
        return InstanceState()
    finding = Finding.CONNECTED if instance.connected else Finding.DISCONNECTED
    return InstanceState(finding, changed)


def _queue_place(message: Message) -> QueuePlace:
    found = QueueReading.objects.filter(instance=message.instance_id, zapi_id=message.zapi_id)
    names = ("asked_at", "read_at", "ahead", "queued_at", "is_minimum")
    values = found.values(*names).first()
    return QueuePlace(**values) if values else QueuePlace()


def _neighbours(message: Message, now: datetime) -> Neighbours:
    until = min(message.started_at + _AROUND, now - _TIME_TO_DELIVER)
    found = message_set().outbound().sent_between(message.started_at - _AROUND, until)
    found = found.of_instances([message.instance_id], Order.SENT)
    others = found.filter(of_kinds(MAY_BE_STUCK)).exclude(phone=message.phone).order_by()
    counts: dict[str, Any] = others[: _MAX_NEIGHBOURS + 1].aggregate(
        total=Count("pk"), delivered=Count("pk", filter=reached(Status.RECEIVED))
    )
    total = min(counts["total"], _MAX_NEIGHBOURS)
    is_minimum = counts["total"] > _MAX_NEIGHBOURS
    return Neighbours(total, min(counts["delivered"], total), is_minimum)


def _record(message: Message, user: Viewer) -> Record:
    """From the newest messages to the recipient, until a week after this one."""
    forms = addresses.stored_forms(message.phone)
    known = dict.fromkeys((*forms, *aliases_of([message.phone], user)))
    until = message.first_heard_at + _AFTERWARDS
    found = limited_to(user, message_set().outbound().filter(first_heard_at__lt=until))
    newest = found.exclude(pk=message.pk).order_by("-first_heard_at").values("pk")
    # For each address alone, the index gives the newest without reading the others.
    first, *others = [
        Message.objects.filter(pk__in=newest.filter(phone=one)[:_MAX_OF_ADDRESS]).values_list(
            "started_at", "rank", "delivered_at"
        )
        for one in [*known][:_MAX_ADDRESSES]
    ]
    return _summary(message, first.union(*others, all=True))


def _summary(message: Message, rows: Iterable[tuple[datetime, int, datetime | None]]) -> Record:
    before: list[datetime] = []
    later: list[datetime] = []
    undelivered = 0
    for started_at, rank, delivered_at in rows:
        is_earlier = started_at <= message.started_at
        if rank >= Status.RECEIVED.rank:
            (before if is_earlier else later).append(delivered_at or started_at)
        elif rank != Status.FAILED.rank:
            undelivered += is_earlier
    return Record(
        delivered_before=max(before, default=None),
        delivered_later=max(later, default=None),
        undelivered=undelivered,
    )
