"""Callbacks kept because they could not be understood, and those that name another instance."""

from collections.abc import Iterator

from django.db.models import Count, Q

from messages.incidents.findings import Finding, Watch
from messages.models import Callback, IncidentKind, Instance
from messages.models.callback import CallbackQuerySet
from messages.models.cause import NAMES_ANOTHER, UNKNOWN_TYPE
from messages.zapi.payloads import MalformedCallbackError, parse


def quarantine(watch: Watch) -> Iterator[Finding]:
    """Not for types that are not known: what they say is kept, and nobody has to act on it."""
    told_elsewhere = Q(cause__startswith=NAMES_ANOTHER) | Q(cause__startswith=UNKNOWN_TYPE)
    counts = _counts(_kept().exclude(told_elsewhere))
    for instance in watch.instances:
        if count := counts.get(instance.pk):
            yield Finding(IncidentKind.QUARANTINE, instance, values={"count": count})


def strangers(watch: Watch) -> Iterator[Finding]:
    found = _kept().filter(cause__startswith=NAMES_ANOTHER)
    counts = _counts(found)
    for instance in watch.instances:
        if count := counts.get(instance.pk):
            values = {"count": count, **_named(found, instance)}
            yield Finding(IncidentKind.STRANGER, instance, values=values)


def _kept() -> CallbackQuerySet:
    return Callback.objects.quarantined().kept()


def _counts(callbacks: CallbackQuerySet) -> dict[int, int]:
    return dict(callbacks.order_by().values_list("instance").annotate(number=Count("pk")))


def _named(callbacks: CallbackQuerySet, instance: Instance) -> dict[str, str | int]:
    """Whom the latest of them names: by its name here where it is ours, else by its id.

    With its key, so that only those read the name who may see that instance.
    """
    latest = callbacks.filter(instance=instance).order_by("-id").first()
    try:
        zapi_id = parse(bytes(latest.body)).instance_id if latest else ""
    except MalformedCallbackError:
        return {"named": ""}
    known = Instance.objects.filter(zapi_id=zapi_id).first()
    return {"named": known.name, "named_pk": known.pk} if known else {"named": zapi_id}
