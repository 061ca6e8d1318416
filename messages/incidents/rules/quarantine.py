"""Quarantined callbacks, and callbacks that belong to another instance."""

from collections.abc import Iterator

from django.db.models import Count

from messages.domain.causes import Cause
from messages.incidents.findings import Finding, Snapshot
from messages.models import Callback, IncidentKind, Instance
from messages.models.callback import CallbackQuerySet
from messages.zapi.payloads import MalformedCallbackError, parse


def quarantine(snapshot: Snapshot) -> Iterator[Finding]:
    """Those that belong to another instance are a problem of their own."""
    found = Callback.objects.awaiting_decision().exclude(cause=Cause.OTHER_INSTANCE)
    counts = _counts(found)
    for instance in snapshot.instances:
        if count := counts.get(instance.pk):
            yield Finding(IncidentKind.QUARANTINE, instance, values={"count": count})


def misdirected_callbacks(snapshot: Snapshot) -> Iterator[Finding]:
    found = Callback.objects.awaiting_decision().filter(cause=Cause.OTHER_INSTANCE)
    counts = _counts(found)
    for instance in snapshot.instances:
        if count := counts.get(instance.pk):
            values = {"count": count, **_owner(found, instance)}
            yield Finding(IncidentKind.STRANGER, instance, values=values)


def _counts(callbacks: CallbackQuerySet) -> dict[int, int]:
    return dict(callbacks.order_by().values_list("instance").annotate(number=Count("pk")))


def _owner(callbacks: CallbackQuerySet, instance: Instance) -> dict[str, str | int]:
    """The instance that the latest callback belongs to: its name if it is known here, else its id.

    `named_pk` is included so that only people who may see that instance read its name.
    """
    latest = callbacks.filter(instance=instance).order_by("-id").first()
    try:
        zapi_id = parse(bytes(latest.body)).instance_id if latest else ""
    except MalformedCallbackError:
        return {"named": ""}
    known = Instance.objects.filter(zapi_id=zapi_id).first()
    return {"named": known.name, "named_pk": known.pk} if known else {"named": zapi_id}
