"""For each kind: what is older than a moment, and when the oldest of it is from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from messages.ingest import first_id_at
from messages.models import AuditEvent, Callback, ErasedMessage, Incident, Kept, Label, Message


@dataclass(frozen=True, slots=True)
class Kind:
    """`older` gives rows in an order that an index has, so that the first of them cost nothing."""

    older: Callable[[datetime], QuerySet[Any]]
    time: str


def _callbacks(before: datetime) -> QuerySet[Any]:
    # By the id, which is ordered in time: of received_at alone there is no index.
    return Callback.objects.filter(pk__lt=first_id_at(before)).order_by("pk")


KINDS: Final[dict[Kept, Kind]] = {
    Kept.MESSAGES: Kind(
        lambda before: Message.objects.filter(first_heard_at__lt=before).order_by(
            "first_heard_at", "id"
        ),
        "first_heard_at",
    ),
    Kept.CALLBACKS: Kind(_callbacks, "received_at"),
    Kept.BODIES: Kind(lambda before: _callbacks(before).exclude(body=b""), "received_at"),
    Kept.INCIDENTS: Kind(
        lambda before: Incident.objects.filter(resolved_at__lt=before).order_by("resolved_at"),
        "resolved_at",
    ),
    Kept.AUDIT: Kind(
        lambda before: AuditEvent.objects.filter(at__lt=before).order_by("at", "id"), "at"
    ),
    Kept.ERASURES: Kind(
        lambda before: ErasedMessage.objects.filter(erased_at__lt=before).order_by("erased_at"),
        "erased_at",
    ),
}


def orphan_labels(before: datetime) -> QuerySet[Label]:
    """No message takes them along: never heard of, or labelled again after it was purged."""
    old = Label.objects.filter(updated_at__lt=before)
    return old.without_message().order_by("updated_at", "id")


def bodies_after(before: datetime, reached: UUID | None) -> QuerySet[Any]:
    """Without what was emptied in turns before this one."""
    rows = KINDS[Kept.BODIES].older(before)
    return rows.filter(pk__gt=reached) if reached else rows
