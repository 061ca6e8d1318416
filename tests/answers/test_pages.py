"""Responses, missing read receipts and automatic reading, where people and systems see them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from messages.instances.verify import check
from messages.jobs.follow_ups import follow_up
from messages.models import DailySummary, Instance, Message
from messages.summaries import find_receipts_off

from .test_answers import INBOUND, NUMBER, REPLY, SECRET, STATUS, at

RECEIPTS_OFF = "no read confirmation is expected"


def page(client, zapi_id="M"):
    pk = Message.objects.get(zapi_id=zapi_id).pk
    return client.get(reverse("dashboard:message", args=[pk]), secure=True).content.decode()


def listed(client):
    return client.get("/?period=all", secure=True).content.decode()


def test_answer_replaces_the_missing_read_confirmation(post, admin_client):
    post(STATUS)
    post(REPLY)
    follow_up()
    text = page(admin_client)
    assert "Answered on 1 Oct" in text
    assert "3 min later." in text
    assert "No read confirmation." not in text
    assert "turn read receipts off" not in text
    assert "Answered +3 min" in listed(admin_client)


def test_text_without_reference_is_told_beside_the_missing_confirmation(post, admin_client):
    post(STATUS)
    post(INBOUND)
    follow_up()
    text = page(admin_client)
    assert "Wrote to us on 1 Oct" in text
    assert "No read confirmation." in text
    assert "Wrote to us +3 min" in listed(admin_client)


def test_masked_role_sees_no_number_of_who_answered(post, client, ana, settings):
    settings.MASK_PHONES_FOR = ["support"]
    client.force_login(ana)
    post(STATUS)
    post(REPLY)
    follow_up()
    assert "Answered on" in page(client)
    assert NUMBER[-8:] not in page(client)


def test_api_tells_answers(post, reader):
    post(STATUS)
    post(REPLY)
    post(INBOUND | {"messageId": "IN2", "momment": at(minutes=4)})
    follow_up()
    (row,) = reader.read("/messages/")["results"]
    assert (row["answered_at"], row["answer_kind"], row["answer_count"], row["wrote_at"]) == (
        *("2026-10-01T12:03:00Z", "reply", 1),
        "2026-10-01T12:03:00Z",
    )
    detail = reader.read(f"/messages/{row['id']}/")
    assert detail["answers"] == [{"kind": "reply", "at": "2026-10-01T12:03:00Z", "author": NUMBER}]
    assert SECRET not in repr(detail)


def delivered(instance, days, number, read=0):
    now = timezone.now()
    for day in days:
        DailySummary.objects.create(
            instance=instance,
            is_group=False,
            day=(now - timedelta(days=day)).date(),
            messages=number,
            delivered=number,
            read=read,
            computed_at=now,
        )


def test_many_deliveries_without_reading_mean_that_receipts_are_off(post, instance, admin_client):
    post(STATUS | {"momment": int(timezone.now().timestamp() * 1000)})
    delivered(instance, (5, 3, 1), 20)
    find_receipts_off()
    assert RECEIPTS_OFF in page(admin_client)
    shown = admin_client.get(reverse("dashboard:instance", args=[instance.pk]), secure=True)
    assert RECEIPTS_OFF in shown.content.decode()


@pytest.mark.parametrize(
    ("days", "number", "read"), [((5, 3, 1), 16, 0), ((2, 1, 0), 20, 0), ((5, 3, 1), 20, 1)]
)
def test_few_or_read_messages_say_nothing_about_receipts(instance, days, number, read):
    delivered(instance, days, number, read)
    find_receipts_off()
    assert Instance.objects.get().receipts_off_since is None


def test_first_read_confirmation_ends_receipts_off(post, instance):
    delivered(instance, (5, 3, 1), 20)
    find_receipts_off()
    post(STATUS | {"status": "READ", "momment": int(timezone.now().timestamp() * 1000)})
    follow_up()
    find_receipts_off()
    assert Instance.objects.get().receipts_off_since is None


def test_reading_by_us_is_automatic_where_z_api_reads_by_itself(post, admin_client):
    post(STATUS)
    post(STATUS | {"status": "READ_BY_ME"})
    assert "Automatic" not in page(admin_client)
    Instance.objects.update(auto_read=True)
    assert page(admin_client).count("Automatic: Z-API is set") >= 2


def test_verifying_keeps_whether_z_api_reads_by_itself(zapi, instance):
    check(instance)
    assert Instance.objects.get().auto_read is False
