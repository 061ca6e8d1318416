"""A database of the last version before 1.0, whose migrations were other files."""

from datetime import UTC, datetime
from importlib import import_module

from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import StateApps

from messages.ingest.delivery import new_delivery_id
from messages.models import Callback, Instance, Label, Message, StatusEvent

from .conftest import Migrate

NOW = datetime(2026, 11, 22, 9, 13, tzinfo=UTC)


def fill(apps: StateApps) -> None:
    """One row in each table that a callback writes, and a secret."""
    models = {name: apps.get_model("whatsapp", name).objects for name in ("Account", "Instance")}
    account = models["Account"].create(name="A", client_token="client-token-of-the-account")
    instance = models["Instance"].create(account=account, zapi_id="I", name="I", token="t" * 32)
    callback = apps.get_model("whatsapp", "Callback").objects.create(
        **{"id": new_delivery_id(), "instance": instance, "type": "MessageStatusCallback"},
        **{"received_at": NOW, "outcome": "applied", "size": 2, "body": b"{}"},
    )
    message = apps.get_model("whatsapp", "Message").objects.create(
        **{"instance": instance, "zapi_id": "M", "rank": 20, "inbound": False, "is_group": False},
        **{"first_heard_at": NOW, "started_at": NOW, "sent_at": NOW, "phone": "5544999990000"},
    )
    apps.get_model("whatsapp", "StatusEvent").objects.create(
        **{"message": message, "status": "SENT", "source": "MessageStatusCallback"},
        **{"occurred_at": NOW, "received_at": NOW, "callback_id": callback.pk},
    )
    apps.get_model("whatsapp", "Label").objects.create(
        instance=instance, zapi_id="M", label="Pedido 7", updated_at=NOW
    )


def test_upgrade_of_a_filled_database_keeps_all_rows(migrate_to: Migrate):
    fill(migrate_to("0001_version_1"))
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("whatsapp", "0001_version_1")
    for app, name in import_module("messages.migrations.0001_version_1").Migration.replaces:
        recorder.record_applied(app, name)
    call_command("migrate", verbosity=0)
    assert ("whatsapp", "0001_version_1") in recorder.applied_migrations()
    assert Instance.objects.get().token.reveal() == "t" * 32
    assert bytes(Callback.objects.get().body) == b"{}"
    assert (Message.objects.get().sent_at, Message.objects.get().phone) == (NOW, "5544999990000")
    assert StatusEvent.objects.get().status == "SENT"
    assert Label.objects.get().label == "Pedido 7"
