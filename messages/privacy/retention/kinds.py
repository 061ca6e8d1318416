"""The rows of each kind that are older than a given time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from messages.ingest import first_id_at
from messages.models import AuditEvent, Callback, DataKind, ErasedMessage, Incident, Label, Message


@dataclass(frozen=True, slots=True)
class Kind:
    """`older(before)` returns the rows older than `before`.

    They are in the order of an index, so that the first ones are found fast.
    """

    older: Callable[[datetime], QuerySet[Any]]
    time: str


def _callbacks(before: datetime) -> QuerySet[Any]:
    # By id, which is ordered by time: received_at alone has no index.
    return Callback.objects.filter(pk__lt=first_id_at(before)).order_by("pk")


KINDS: Final[dict[DataKind, Kind]] = {
    DataKind.MESSAGES: Kind(
        lambda before: Message.objects.filter(first_heard_at__lt=before).order_by(
            "first_heard_at", "id"
        ),
        "first_heard_at",
    ),
    DataKind.CALLBACKS: Kind(_callbacks, "received_at"),
    DataKind.BODIES: Kind(lambda before: _callbacks(before).exclude(body=b""), "received_at"),
    DataKind.INCIDENTS: Kind(
        lambda before: Incident.objects.filter(resolved_at__lt=before).order_by("resolved_at"),
        "resolved_at",
    ),
    DataKind.AUDIT: Kind(
        lambda before: AuditEvent.objects.filter(at__lt=before).order_by("at", "id"), "at"
    ),
    DataKind.ERASURES: Kind(
        lambda before: ErasedMessage.objects.filter(erased_at__lt=before).order_by("erased_at"),
        "erased_at",
    ),
}


def messages_after(older: QuerySet[Any], last: Message) -> QuerySet[Any]:
    """The rest of older(). Begins with a range of the index."""
    rest = older.filter(first_heard_at__gte=last.first_heard_at)
    return rest.exclude(first_heard_at=last.first_heard_at, id__lte=last.pk)


def orphan_labels(before: datetime) -> QuerySet[Label]:
    """Old labels without a message. They are not deleted together with messages."""
    old = Label.objects.filter(updated_at__lt=before)
    return old.without_message().order_by("updated_at", "id")


def bodies_after(before: datetime, reached: UUID | None) -> QuerySet[Any]:
    """Callbacks whose body must be deleted.

    Starts after `reached`, because earlier bodies are already deleted.
    """
    rows = KINDS[DataKind.BODIES].older(before)
    return rows.filter(pk__gt=reached) if reached else rows
