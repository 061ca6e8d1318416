"""Audit events are written once and never changed."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from messages.accounts.audit import audit, recipient_hash
from messages.models import Action, AuditEvent

PHONE = "5544999999999"


def only_on_postgresql(test):
    reason = "on SQLite tests empty their tables by DELETE"
    return pytest.mark.skipif(connection.vendor != "postgresql", reason=reason)(test)


@pytest.fixture
def event(db):
    return audit(None, Action.EXPORTED, recipient=PHONE, details={"rows": 3})


def test_event_cannot_be_changed(event):
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        AuditEvent.objects.update(actor_name="somebody else")


@only_on_postgresql
def test_event_cannot_be_deleted(event):
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        AuditEvent.objects.all().delete()


@only_on_postgresql
def test_table_cannot_be_truncated(event):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statusboard.may_empty_audit = off")
        with pytest.raises(DatabaseError, match="never emptied"), transaction.atomic():
            cursor.execute("TRUNCATE whatsapp_auditevent")


@only_on_postgresql
def test_old_event_can_be_purged(db):
    AuditEvent.objects.bulk_create([AuditEvent(action=Action.EXPORTED)])
    with connection.cursor() as cursor:
        long_ago = timezone.now() - timedelta(days=181)
        cursor.execute("ALTER TABLE whatsapp_auditevent DISABLE TRIGGER audit_never_changed")
        cursor.execute("UPDATE whatsapp_auditevent SET at = %s", [long_ago])
        cursor.execute("ALTER TABLE whatsapp_auditevent ENABLE TRIGGER audit_never_changed")
    AuditEvent.objects.all().delete()
    assert not AuditEvent.objects.exists()


def test_event_of_a_deleted_user_keeps_the_name(db):
    user = User.objects.create_user("ana")
    audit(user, Action.EXPORTED)
    user.delete()
    assert AuditEvent.objects.get().actor_name == "ana"


def test_number_in_details_is_masked(db):
    told = {"reason": "customer 5544987654321 called", "in": [{"a": "+55 44 98765-4321"}], "n": 7}
    event = audit(None, Action.PHONE_REVEALED, details=told)
    told = {"reason": "customer •••• 21 called", "in": [{"a": "•••• 21"}], "n": 7}
    assert AuditEvent.objects.get(pk=event.pk).details == told


@pytest.mark.parametrize("text", ["3C0123456789ABCDEF0123456789AB12", "Shop 12", "2026-07-14"])
def test_ids_names_and_dates_in_details_are_kept(db, text):
    event = audit(None, Action.EXPORTED, details={"instances": [text]})
    assert AuditEvent.objects.get(pk=event.pk).details == {"instances": [text]}


def test_event_contains_no_number(event):
    assert event.recipient == recipient_hash(PHONE)
    assert PHONE not in str(AuditEvent.objects.values().get())
