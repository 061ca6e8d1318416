"""What was stored under an address with a device or a host comes to the person's one address.

Each table is read through once, and no lock is held while it is. What is there to be changed is
little: rows of this kind are rare, and each is changed by itself. It may be stopped and run again.
"""

from collections.abc import Iterator
from typing import Any, Final

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Model, Q, QuerySet
from django.db.transaction import atomic

from messages.domain.addresses import AddressKind, device_in, kind_of, without_device

BATCH: Final = 500
NO_DEVICE: Final = -1
HOSTS: Final = ("@c.us", "@s.whatsapp.net", "@hosted", "@hosted.lid")
IDENTITY: Final = (
    *("message_id", "source", "raw_status", "momment", "phone", "participant", "device"),
    "reason",
)
SHARED: Final = ("-broadcast", "@newsletter")


def bring_together(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    def rows(name: str) -> QuerySet[Any]:
        model: type[Model] = apps.get_model("whatsapp", name)
        return model._default_manager.using(schema_editor.connection.alias)

    for event in _written_otherwise(rows("StatusEvent"), "phone", "participant"):
        _rewrite_event(rows("StatusEvent"), event)
    for message in _written_otherwise(rows("Message"), "phone"):
        rows("Message").filter(pk=message.pk).update(phone=without_device(message.phone))
    for message in _among(rows("Message"), _ends("phone", SHARED) & Q(is_group=False)):
        if kind_of(message.phone) in (AddressKind.BROADCAST, AddressKind.CHANNEL):
            rows("Message").filter(pk=message.pk).update(is_group=True)
    for other in _written_otherwise(rows("OtherAddress"), "phone"):
        is_main = rows("Message").filter(pk=other.message_id, phone=without_device(other.phone))
        if is_main.exists():
            rows("OtherAddress").filter(pk=other.pk).delete()
        else:
            _rewrite_unless_there(rows("OtherAddress"), other, "phone", "message_id")
    for alias in _written_otherwise(rows("Alias"), "lid"):
        _rewrite_unless_there(rows("Alias"), alias, "lid", "number", "instance_id")
    for known in _written_otherwise(rows("KnownAddress"), "address"):
        _rewrite_unless_there(rows("KnownAddress"), known, "address")


def _rewrite_event(events: QuerySet[Any], event: Any) -> None:
    """Two that are the same now are one, as if the second had been a copy."""
    address = event.participant or event.phone
    if event.device == NO_DEVICE and (device := device_in(address)):
        event.device = int(device)
    event.phone, event.participant = map(without_device, (event.phone, event.participant))
    with atomic(events.db):
        same = {name: getattr(event, name) for name in IDENTITY}
        twin = events.select_for_update().filter(**same).exclude(pk=event.pk).first()
        if twin is None:
            event.save(update_fields=["phone", "participant", "device"])
            return
        events.filter(pk=event.pk).delete()
        twin.repeats += event.repeats + 1
        twin.time_is_arrival |= event.time_is_arrival
        for name in ("received_at", "occurred_at", "callback_id"):
            setattr(twin, name, min(getattr(twin, name), getattr(event, name)))
        twin.save()


def _rewrite_unless_there(rows: QuerySet[Any], row: Any, name: str, *same: str) -> None:
    address = without_device(getattr(row, name))
    there = {name: address} | {other: getattr(row, other) for other in same}
    if rows.filter(**there).exists():
        rows.filter(pk=row.pk).delete()
    else:
        rows.filter(pk=row.pk).update(**{name: address})


def _written_otherwise(rows: QuerySet[Any], *names: str) -> Iterator[Any]:
    wanted = Q(
        *(Q((f"{name}__contains", ":")) | _ends(name, HOSTS) for name in names), _connector=Q.OR
    )
    for row in _among(rows, wanted):
        if any(without_device(text) != text for text in (getattr(row, name) for name in names)):
            yield row


def _ends(name: str, endings: tuple[str, ...]) -> Q:
    return Q(*((f"{name}__endswith", ending) for ending in endings), _connector=Q.OR)


def _among(rows: QuerySet[Any], wanted: Q) -> Iterator[Any]:
    found, reached = rows.filter(wanted).order_by("pk"), 0
    while batch := list(found.filter(pk__gt=reached)[:BATCH]):
        yield from batch
        reached = batch[-1].pk


class Migration(migrations.Migration):
    # Whoever writes meanwhile waits for one row at the most.
    atomic = False

    dependencies = [
        ("whatsapp", "0043_what_status_says"),
    ]

    operations = [
        # What the addresses were is in the callbacks; nothing depends on their coming back.
        migrations.RunPython(bring_together, migrations.RunPython.noop),
    ]
