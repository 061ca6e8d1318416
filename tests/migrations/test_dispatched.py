"""The status ACCEPTED is called DISPATCHED."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db.migrations.state import StateApps

from messages.ingest.delivery import new_delivery_id
from messages.models import HourlySummary, SavedView, StatusEvent

from .conftest import Migrate

NOW = datetime(2026, 11, 22, 9, 13, tzinfo=UTC)
VIEWS = [
    ("status=accepted&status=sent&period=24h", "status=dispatched&status=sent&period=24h"),
    ("reached=accepted", "reached=dispatched"),
    ("q=accepted", "q=accepted"),
]


@pytest.fixture
def former(migrate_to: Migrate) -> StateApps:
    return migrate_to("0001_version_1")


def test_migration_renames_accepted_to_dispatched(former, migrate_to):
    account = former.get_model("whatsapp", "Account").objects.create(name="A")
    instance = former.get_model("whatsapp", "Instance").objects.create(
        account=account, zapi_id="I", name="I"
    )
    message = former.get_model("whatsapp", "Message").objects.create(
        **{"instance": instance, "zapi_id": "A", "rank": 10, "inbound": False, "is_group": False},
        **{"first_heard_at": NOW, "started_at": NOW, "accepted_at": NOW},
    )
    for status in ("ACCEPTED", "PENDING"):
        former.get_model("whatsapp", "StatusEvent").objects.create(
            **{"message": message, "status": status, "source": status, "occurred_at": NOW},
            **{"received_at": NOW, "callback_id": new_delivery_id()},
        )
    former.get_model("whatsapp", "HourlySummary").objects.create(
        instance=instance, hour=NOW, is_group=False, messages=3, accepted=2, computed_at=NOW
    )
    later = migrate_to("0051_dispatched_events")
    found = later.get_model("whatsapp", "Message").objects.get()
    assert (found.rank, found.dispatched_at) == (10, NOW)
    statuses = StatusEvent.objects.order_by("status").values_list("status", flat=True)
    assert list(statuses) == ["DISPATCHED", "PENDING"]
    assert HourlySummary.objects.get().dispatched == 2


def test_migration_renames_accepted_in_saved_views(former, migrate_to):
    user = User.objects.create(username="ana")
    for before, _after in VIEWS:
        former.get_model("whatsapp", "SavedView").objects.create(
            user_id=user.pk, name=before, query=before
        )
    migrate_to("0051_dispatched_events")
    assert set(SavedView.objects.values_list("name", "query")) == set(VIEWS)
