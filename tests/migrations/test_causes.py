"""Causes that were stored as sentences are codes with values."""

from datetime import UTC, datetime

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import override

from messages.ingest import spool
from messages.ingest.delivery import new_delivery_id
from messages.models import Callback, SpooledCallback

from .conftest import Migrate

NOW = datetime(2026, 11, 22, 9, 13, tzinfo=UTC)
# As stored before; code, values and sentence after.
CAUSES: list[tuple[str, str, list[str] | None, str]] = [
    ("There is no status.", "no status", None, "The field status is missing."),
    (
        "It is not JSON from line {}, column {} on.\n3\n7",
        *("not json", ["3", "7"]),
        "The JSON is invalid at line 3, column 7.",
    ),
    (
        "It came to the webhook of {}, but its body names another one, {}.\nA\nB",
        *("other instance", ["A", "B"]),
        "The callback arrived at the webhook of A, but names the instance B.",
    ),
    ("Nobody knows {}.\nwhy", "other", ["Nobody knows {}. why"], "Nobody knows {}. why"),
    ("", "", None, ""),
]


def test_migration_converts_cause_sentences_to_codes(migrate_to: Migrate):
    former = migrate_to("0001_version_1")
    account = former.get_model("whatsapp", "Account").objects.create(name="A")
    instance = former.get_model("whatsapp", "Instance").objects.create(
        account=account, zapi_id="I", name="I"
    )
    for number, (stored, *_others) in enumerate(CAUSES):
        former.get_model("whatsapp", "Callback").objects.create(
            **{"instance": instance, "received_at": NOW, "outcome": "quarantined"},
            **{"cause": stored, "size": number},
        )
    migrate_to("0053_causes")
    with override("en"):
        found = [
            (one.cause, one.cause_values, one.why) for one in Callback.objects.order_by("size")
        ]
    assert found == [tuple(expected) for _stored, *expected in CAUSES]


def test_spool_migration_converts_cause_sentences_to_codes(spool_path):
    """The buffer of an earlier release is brought up to date when it is next used."""
    spool.prepare()
    executor = MigrationExecutor(connections["spool"])
    executor.migrate([("whatsapp", "0001_version_1")])
    former = executor.loader.project_state([("whatsapp", "0001_version_1")]).apps
    former.get_model("whatsapp", "SpooledCallback").objects.using("spool").create(
        **{"id": new_delivery_id(), "zapi_id": "I", "key_version": 1, "received_at": NOW},
        **{"body": b"{}", "cause": "The instance is archived."},
    )
    spool.take(1)
    assert SpooledCallback.objects.get().cause == "archived"
