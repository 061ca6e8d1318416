"""The verdict on a message that a label announced and Z-API never confirmed."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from messages.models import Instance, Label, QueueReading
from messages.simulator.gateway import SimulatedInstance
from messages.verdicts import read_queues
from tests.verdicts.test_page import add_messages, row


@pytest.fixture
def announced(instance, zapi):
    now = timezone.now()
    return Label.objects.create(
        instance=instance,
        zapi_id="A1",
        zaap_id="ZA1",
        label="Boleto",
        updated_at=now,
        awaited_since=now - timedelta(minutes=20),
    )


def open_page(client, label):
    return client.get(reverse("dashboard:announced", args=[label.pk]))


def ask(client, label):
    return client.post(reverse("dashboard:announced-queue", args=[label.pk]), follow=True)


def test_unconfirmed_message_has_a_card(viewer, announced):
    page = open_page(viewer, announced)
    found = page.context["verdict"].verdict
    assert (found.cause, found.advice) == ("unknown", "ask_queue")
    assert [one.value for one in found.possible] == ["wrong_id"]
    assert "Why did it not arrive?" in page.content.decode()


def test_message_that_may_still_be_confirmed_has_no_card(viewer, announced):
    Label.objects.update(awaited_since=timezone.now())
    assert open_page(viewer, announced).context["verdict"] is None


@pytest.mark.parametrize("ids", [{"MessageId": "A1"}, {"ZaapId": "ZA1"}])
def test_unconfirmed_message_in_the_queue_waits_there(viewer, announced, instance, zapi, ids):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, "token-of-the-instance", queue_rows=[row(0), row(1, **ids)]
    )
    page = ask(viewer, announced)
    found = page.context["verdict"]
    assert (found.verdict.cause, found.certainty) == ("in_zapi_queue", "Z-API said")
    assert "1 message ahead of it" in page.content.decode()
    assert "Marker" not in page.content.decode()


def test_neighbours_of_an_unconfirmed_message_are_counted(viewer, announced, instance):
    add_messages(instance, 9, announced.awaited_since)
    text = open_page(viewer, announced).content.decode()
    assert "9 of 9 other messages" in text


def test_worker_asks_about_unconfirmed_messages(announced):
    assert read_queues() == 1
    assert QueueReading.objects.get().zapi_id == "A1"


def test_queue_of_an_archived_instance_is_not_asked(viewer, announced, zapi):
    Instance.objects.update(archived_at=timezone.now())
    assert ask(viewer, announced).status_code == 404
    assert not zapi.calls


def label_of(reader, message_id="A1"):
    return reader.read(f"/messages/instance.id/{message_id}/label")


def test_api_gives_the_verdict_on_an_unconfirmed_message(reader, announced):
    verdict = label_of(reader)["verdict"]
    assert (verdict["cause"], verdict["advice"]) == ("unknown", "ask_queue")
    assert len(verdict["sources"]) == 5


def test_api_gives_no_verdict_before_the_threshold(reader, announced):
    Label.objects.update(awaited_since=timezone.now())
    assert label_of(reader, "ZA1")["verdict"] is None


def test_api_gives_no_verdict_on_a_reported_message(reader, announced, report):
    report("SENT", id="A1")
    assert label_of(reader)["verdict"] is None
