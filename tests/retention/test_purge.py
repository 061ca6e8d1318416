"""Purging deletes what is older than its period, and nothing else."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from messages.ingest import Period, RebuildRefusedError, drain, first_id_at, rebuild
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Action,
    AuditEvent,
    Callback,
    DataKind,
    ErasedMessage,
    Incident,
    Instance,
    KnownAddress,
    Label,
    Message,
    Retention,
    SpooledCallback,
    StatusEvent,
)
from messages.privacy.retention import MIN_DAYS, Purge, preview, save_periods
from messages.privacy.retention import purge as purging
from messages.privacy.retention.kinds import bodies_after

READ = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": "5544999999999"}


def purge() -> int:
    return Purge(threading.Event()).run()


def keep(**days):
    save_periods({DataKind(kind): number for kind, number in days.items()}, by=None)


def age(days):
    """Move all stored rows into the past by this duration."""
    then = timezone.now() - timedelta(days=days)
    Message.objects.update(first_heard_at=then)
    for number, callback in enumerate(Callback.objects.all()):
        old = first_id_at(then + timedelta(milliseconds=number))
        Callback.objects.filter(pk=callback.pk).update(id=old, received_at=then)
        StatusEvent.objects.filter(callback=callback.pk).update(callback_id=old, received_at=then)


@pytest.fixture
def old(post):
    post(READ)
    age(100)


def test_purge_without_periods_deletes_nothing(old):
    assert purge() == 0
    assert Message.objects.exists()


def test_address_is_deleted_with_its_last_message(post):
    post(READ)
    post(READ | {"ids": ["B"], "phone": "5511987654321"})
    post(READ | {"ids": ["B"], "phone": "123456789012345@lid"})
    follow_up()
    assert KnownAddress.objects.count() == 3
    age(100)
    post(READ | {"ids": ["NEW"]})
    keep(messages=90, bodies=90)
    purge()
    assert [known.address for known in KnownAddress.objects.all()] == [READ["phone"]]


def test_messages_are_deleted_with_their_events(old, post):
    post(READ | {"ids": ["NEW"]})
    keep(messages=90, bodies=90)
    purge()
    assert [message.zapi_id for message in Message.objects.all()] == ["NEW"]
    assert StatusEvent.objects.count() == 1


def test_labels_are_deleted_with_their_messages(old, instance):
    for name in ("M", "N"):
        Label.objects.create(
            instance=instance, zapi_id=name, reference="7", updated_at=timezone.now()
        )
    keep(messages=90, bodies=90)
    purge()
    assert [label.zapi_id for label in Label.objects.all()] == ["N"]


def label(instance, name, days):
    then = timezone.now() - timedelta(days=days)
    Label.objects.create(instance=instance, zapi_id=name, reference="7", updated_at=then)


def test_label_by_zapi_id_is_deleted_with_its_message(post, instance):
    post({"type": "DeliveryCallback", "messageId": "M", "zaapId": "Z", "phone": READ["phone"]})
    age(100)
    label(instance, "Z", 10)
    keep(messages=90, bodies=90)
    purge()
    assert not Label.objects.exists()


def test_label_is_deleted_with_a_message_known_by_zaap_id(post, instance):
    post({"type": "DeliveryCallback", "messageId": "Z", "zaapId": "Z", "phone": READ["phone"]})
    age(100)
    now = timezone.now()
    Label.objects.create(instance=instance, zapi_id="M", zaap_id="Z", label="L", updated_at=now)
    keep(messages=90, bodies=90)
    purge()
    assert not Label.objects.exists()


def test_old_labels_without_a_message_are_deleted(post, instance, monkeypatch):
    monkeypatch.setattr(purging, "BATCH", 2)
    post(READ)
    label(instance, "M", 100)
    label(instance, "YOUNG", 10)
    for number in range(5):
        label(instance, f"NEVER HEARD OF {number}", 100)
    keep(messages=90, bodies=90)
    assert purge() == 5
    assert {left.zapi_id for left in Label.objects.all()} == {"M", "YOUNG"}


def test_purged_bodies_keep_the_timeline(old):
    before = list(StatusEvent.objects.values()), list(Message.objects.values())
    keep(bodies=30)
    assert purge() == 1
    callback = Callback.objects.get()
    assert (bytes(callback.body), callback.outcome) == (b"", "applied")
    assert (list(StatusEvent.objects.values()), list(Message.objects.values())) == before


def test_purged_callbacks_keep_the_timeline(old):
    before = list(StatusEvent.objects.values())
    keep(callbacks=30)
    purge()
    assert not Callback.objects.exists()
    assert list(StatusEvent.objects.values()) == before


@pytest.mark.parametrize("kind", ["bodies", "callbacks"])
def test_rebuild_without_callbacks_is_refused(old, kind):
    keep(**{kind: 30})
    purge()
    now = timezone.now()
    with pytest.raises(RebuildRefusedError, match="were purged"):
        rebuild(Period(now - timedelta(days=200), now), Instance.objects.all())
    assert Message.objects.exists()


def test_rebuild_does_not_restore_purged_messages(old):
    keep(messages=90, bodies=90)
    purge()
    now = timezone.now()
    with pytest.raises(RebuildRefusedError):
        rebuild(Period(now - timedelta(days=200), now), Instance.objects.all())
    assert not Message.objects.exists()


def test_recent_data_is_kept(post):
    post(READ)
    keep(messages=40, bodies=7, callbacks=7, incidents=30, erasures=90)
    assert purge() == 0
    assert bytes(Callback.objects.get().body)


def test_open_incidents_are_kept(db):
    then = timezone.now() - timedelta(days=400)
    for resolved in (then, None):
        Incident.objects.create(
            kind="silent", opened_at=then, last_seen_at=then, resolved_at=resolved
        )
    keep(incidents=365)
    purge()
    assert [incident.resolved_at for incident in Incident.objects.all()] == [None]


def test_markers_of_erased_messages_are_deleted(db):
    ErasedMessage.objects.create(fingerprint="f")
    ErasedMessage.objects.update(erased_at=timezone.now() - timedelta(days=400))
    keep(erasures=365)
    purge()
    assert not ErasedMessage.objects.exists()


def test_old_audit_events_are_deleted(db, monkeypatch):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE whatsapp_auditevent DISABLE TRIGGER USER")
    else:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER audit_never_changed")
    AuditEvent.objects.create(action=Action.EXPORTED)
    AuditEvent.objects.update(at=timezone.now() - timedelta(days=400))
    keep(audit=365)
    purge()
    assert not AuditEvent.objects.filter(action=Action.EXPORTED).exists()


def test_purge_runs_in_small_batches(post, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(purging, "BATCH", 2)
    post(READ | {"ids": [f"M{number}" for number in range(5)]})
    age(100)
    keep(messages=90, bodies=90)
    assert purge() == 5 + 1
    assert not Message.objects.exists()


def test_purge_stops_on_request(old):
    keep(bodies=30)
    stop = threading.Event()
    stop.set()
    assert Purge(stop).run() == 0
    assert bytes(Callback.objects.get().body)


def test_purge_continues_after_the_last_emptied_body(old, post):
    keep(bodies=30)
    purge()
    reached = Retention.objects.get().reached
    assert reached == Callback.objects.get().pk
    assert preview(DataKind.BODIES, 30).number == 0


def test_body_of_an_old_callback_drained_late_is_emptied(old, post, away):
    away(True)
    post(READ | {"ids": ["LATE"]})
    SpooledCallback.objects.update(id=first_id_at(timezone.now() - timedelta(days=200)))
    away(False)
    keep(bodies=30)
    purge()
    assert drain() == 1
    Retention.objects.update(finished_at=None)
    assert purge() == 1
    assert not Callback.objects.exclude(body=b"").exists()


def test_body_stored_during_a_purge_is_emptied_next(old, post, instance, monkeypatch):
    def store_late(*arguments):
        monkeypatch.undo()
        late = first_id_at(timezone.now() - timedelta(days=200))
        callback = {"instance": instance, "received_at": timezone.now(), "size": 1, "body": b"x"}
        Callback.objects.create(pk=late, **callback)
        Retention.objects.resume_bodies_from(late)
        return bodies_after(*arguments)

    keep(bodies=30)
    purge()
    post(READ)
    age(90)
    Retention.objects.update(finished_at=None)
    monkeypatch.setattr(purging, "bodies_after", store_late)
    purge()
    Retention.objects.update(finished_at=None)
    purge()
    assert not Callback.objects.exclude(body=b"").exists()


def test_purge_is_audited(old):
    keep(bodies=30)
    purge()
    event = AuditEvent.objects.get(action=Action.PURGED)
    assert event.details == {"bodies": 1, "older than days": 30}


def test_purge_repeats_after_an_hour(old):
    keep(bodies=30)
    Retention.objects.update(finished_at=timezone.now())
    assert purge() == 0
    Retention.objects.update(finished_at=timezone.now() - timedelta(hours=1))
    assert purge() == 1


@pytest.mark.parametrize("kind", list(DataKind))
def test_period_below_the_minimum_is_refused(db, kind):
    with pytest.raises(ValueError, match="The minimum is"):
        save_periods({kind: MIN_DAYS[kind] - 1}, by=None)
    assert not Retention.objects.exists()


@pytest.mark.parametrize("bodies", [None, 91])
def test_bodies_cannot_be_kept_longer_than_messages(db, bodies):
    with pytest.raises(ValueError, match="cannot be kept longer"):
        save_periods({DataKind.MESSAGES: 90, DataKind.BODIES: bodies}, by=None)


def test_preview_counts_deletable_rows(old):
    deletable = preview(DataKind.MESSAGES, 90)
    assert deletable.number == 1
    assert deletable.oldest
    assert (datetime.now(UTC) - deletable.oldest).days == 100
    assert preview(DataKind.MESSAGES, 110).number == 0


def test_preview_counts_labels_without_a_message(old, instance):
    label(instance, "NEVER HEARD OF", 120)
    deletable = preview(DataKind.MESSAGES, 90)
    assert deletable.number == 2
    assert deletable.oldest
    assert (datetime.now(UTC) - deletable.oldest).days == 120
