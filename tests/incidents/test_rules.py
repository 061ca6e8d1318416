"""Each rule, from the condition to the description."""

import json
from datetime import timedelta
from typing import ClassVar

import pytest
from django.utils import timezone

from messages.domain.failures import FAILURES
from messages.domain.problems import Problem
from messages.incidents.presentation import advice, description, subject_of, title
from messages.incidents.rhythm_learning import learn_rhythms
from messages.instances.verify import check
from messages.instances.webhook_urls import webhook_url
from messages.models import (
    Callback,
    ForwardLine,
    Incident,
    IncidentKind,
    Instance,
    Rhythm,
    Webhook,
    WebhookKind,
    WebhookState,
    WorkerBeat,
)
from tests.plugins.incidents import ago, every, hear, send


@pytest.fixture(autouse=True)
def _no_call_to_the_real_zapi(zapi):
    """Requests for Z-API's queue go to the stand-in."""


def words() -> str:
    return description(Incident.objects.open().get())


def disconnect(instance: Instance, clock, **by: float) -> None:
    since = ago(clock, **by)
    Instance.objects.filter(pk=instance.pk).update(connected=False, connection_changed_at=since)


def test_working_instance_has_no_findings(instance, look):
    assert look() == []


class TestDisconnected:
    def test_disconnection_opens_after_the_grace_period(self, instance, look, clock):
        disconnect(instance, clock, minutes=1)
        assert look() == []
        clock.advance(minutes=2)
        assert look() == ["disconnected"]

    def test_repeated_reports_do_not_delay_the_incident(self, instance, look, clock, post):
        for minutes in (3, 2, 1, 0):
            moment = int(ago(clock, minutes=minutes).timestamp())
            post({"type": "DisconnectedCallback", "momment": moment})
        assert look() == ["disconnected"]

    def test_description_gives_the_reason_and_the_queue(self, instance, look, clock, zapi):
        look_at(zapi, instance).queued = 37
        disconnect(instance, clock, minutes=5)
        Instance.objects.update(connection_reason="Device has been disconnected")
        look()
        assert words() == (
            "Z-API: “Device has been disconnected”. "
            "37 messages wait in Z-API’s queue and will be sent when the number reconnects."
        )

    def test_advice_depends_on_zapis_status(self, instance, look, clock, zapi):
        remembered = look_at(zapi, instance)
        remembered.connected, remembered.smartphone = False, True
        disconnect(instance, clock, minutes=5)
        look()
        assert "scan the QR code" in advice(Incident.objects.get())
        remembered.status_error = "You need to restore the session"
        clock.advance(minutes=6)
        look()
        assert "Z-API status: “You need to restore the session”." in words()
        assert advice(Incident.objects.get()) == (
            "Restart the instance in Z-API’s panel. No QR code is needed."
        )

    def test_advice_mentions_an_offline_phone_first(self, instance, look, clock, zapi):
        look_at(zapi, instance).connected = False
        disconnect(instance, clock, minutes=5)
        look()
        assert advice(Incident.objects.get()).startswith("Check that the phone is on")

    def test_advice_without_a_status_mentions_restart_and_qr_code(
        self, instance, look, clock, zapi
    ):
        zapi.answer_name = "fault"
        disconnect(instance, clock, minutes=5)
        look()
        assert "Restart the instance" in advice(Incident.objects.get())
        assert "QR code" in advice(Incident.objects.get())

    def test_stuck_messages_of_a_disconnection_are_merged(self, instance, look, clock):
        send(instance, 400, ago(clock, minutes=45))
        disconnect(instance, clock, minutes=50)
        assert look() == ["disconnected"]
        assert "400 messages of the last 24 hours are stuck: sent, but not confirmed" in words()

    def test_open_stuck_incident_is_merged_and_not_resolved(self, instance, look, clock, listener):
        send(instance, 5, ago(clock, minutes=31))
        look()
        disconnect(instance, clock, minutes=3)
        assert look() == ["disconnected"]
        clock.advance(minutes=6)
        look()
        turns = [("stuck", "opened"), ("disconnected", "opened"), ("stuck", "merged")]
        assert listener == turns
        assert Incident.objects.get(kind="stuck").values["part_of"] == "disconnected"

    def test_messages_stuck_before_stay_a_separate_incident(self, instance, look, clock):
        send(instance, 5, ago(clock, minutes=31))
        look()
        clock.advance(hours=3)
        disconnect(instance, clock, minutes=3)
        assert look() == ["disconnected", "stuck"]

    def test_disconnection_begins_at_zapis_time(self, instance, look, clock):
        disconnect(instance, clock, minutes=5)
        look()
        assert Incident.objects.get().opened_at == ago(clock, minutes=5)

    def test_stuck_messages_wait_for_an_unreported_disconnection(self, instance, look, clock):
        send(instance, 5, ago(clock, minutes=31))
        disconnect(instance, clock, minutes=1)
        assert look() == []

    def test_reconnected_instance_gets_time_to_deliver(self, instance, look, clock, listener):
        send(instance, 5, ago(clock, minutes=45))
        disconnect(instance, clock, minutes=50)
        look()
        Instance.objects.update(connected=True, connection_changed_at=clock.now)
        assert look() == ["disconnected"]
        clock.advance(minutes=6)
        assert look() == []
        clock.advance(minutes=25)
        assert look() == ["stuck"]

    def test_archived_instance_has_its_incident_resolved(self, instance, settle, clock, listener):
        disconnect(instance, clock, minutes=5)
        settle()
        Instance.objects.update(archived_at=timezone.now())
        assert settle() == []


def look_at(zapi, instance):
    """The stand-in's instance, created by a first call."""
    from messages.incidents.zapi_queue import queued_at_zapi  # noqa: PLC0415

    queued_at_zapi(instance)
    return zapi.instances[instance.zapi_id]


class TestStuck:
    def test_undelivered_messages_open_an_incident(self, instance, look, clock):
        send(instance, 5, ago(clock, minutes=31))
        assert look() == ["stuck"]
        assert words() == (
            "5 messages of the last 24 hours are stuck: sent, but not confirmed as delivered. "
            "Z-API’s queue is empty: WhatsApp has the messages. The contacts’ phones may be off."
        )

    def test_stuck_threshold_is_per_instance(self, instance, look, clock):
        Instance.objects.update(stuck_after=60)
        send(instance, 5, ago(clock, minutes=31))
        assert look() == []

    def test_stuck_threshold_may_exceed_a_day(self, instance, look, clock):
        Instance.objects.update(stuck_after=30 * 60)
        send(instance, 5, ago(clock, hours=30, minutes=1))
        assert look() == ["stuck"]

    def test_single_stuck_message_opens_no_incident(self, instance, look, clock):
        send(instance, 1, ago(clock, minutes=31))
        send(instance, 9, ago(clock, minutes=31), rank=30)
        assert look() == []

    def test_inbound_and_failed_messages_are_not_stuck(self, instance, look, clock):
        send(instance, 5, ago(clock, minutes=31), inbound=True)
        send(instance, 4, ago(clock, minutes=31), rank=25)
        assert look() == []

    @pytest.mark.parametrize(
        "phone",
        [
            *("status@broadcast", "1774895799-broadcast", "1774895799@broadcast"),
            "120363019502650977@newsletter",
        ],
    )
    def test_addresses_without_delivery_reports_are_not_stuck(self, instance, look, clock, phone):
        send(instance, 9, ago(clock, minutes=31), phone=phone, is_group=True)
        assert look() == []

    def test_stuck_incident_stays_open_without_new_messages(self, instance, settle, clock):
        send(instance, 5, ago(clock, minutes=31))
        settle()
        clock.advance(hours=3)
        assert settle() == ["stuck"]

    def test_queue_count_is_kept_while_zapi_does_not_answer(self, instance, look, clock, zapi):
        look_at(zapi, instance).queued = 37
        send(instance, 5, ago(clock, minutes=31))
        look()
        zapi.answer_name = "fault"
        clock.advance(minutes=6)
        look()
        assert "37 messages wait in Z-API’s queue" in words()

    def test_queue_without_a_count_is_counted_by_pages(self, instance, look, clock, zapi, caplog):
        remembered = look_at(zapi, instance)
        remembered.queued, remembered.has_queue_count = 137, False
        send(instance, 5, ago(clock, minutes=31))
        look()
        assert "137 messages wait in Z-API’s queue, not sent yet." in words()
        sizes = [json.loads(call.body)["pageSize"] for call in zapi.calls if call.body]
        assert sizes == [30] * 5
        assert "Text" not in str(Incident.objects.get().values)
        assert "ZAPI_BASE_URL" not in caplog.text

    def test_long_queue_is_reported_as_a_minimum(self, instance, look, clock, zapi):
        remembered = look_at(zapi, instance)
        remembered.queued, remembered.has_queue_count = 5000, False
        disconnect(instance, clock, minutes=5)
        look()
        assert "At least 1020 messages wait in Z-API’s queue" in words()

    def test_slow_zapi_does_not_delay_incidents(self, instance, look, clock, zapi, monkeypatch):
        monkeypatch.setattr("messages.incidents.zapi_queue._TIME_LIMIT", 0.0)
        send(instance, 5, ago(clock, minutes=31))
        assert look() == ["stuck"]
        assert zapi.calls == []
        monkeypatch.setattr("messages.incidents.zapi_queue._TIME_LIMIT", 20.0)
        look()
        assert len(zapi.calls) == 1

    def test_queue_is_not_requested_at_every_check(self, instance, look, clock, zapi):
        send(instance, 5, ago(clock, minutes=31))
        look()
        clock.advance(minutes=1)
        look()
        assert [call.path.rpartition("/token/")[2] for call in zapi.calls].count(
            "token-of-the-instance/queue/count"
        ) == 1


class TestSilent:
    @pytest.fixture
    def busy(self, instance, clock):
        """A callback every two minutes, day and night, for two weeks."""
        hear(
            instance,
            *every(timedelta(minutes=2), since=ago(clock, days=14), until=clock.now),
        )
        learn_rhythms()
        return instance

    def test_silence_longer_than_usual_opens_an_incident(self, busy, look, clock):
        clock.advance(minutes=10)
        assert look() == []
        clock.advance(minutes=10)
        assert look() == ["silent"]
        assert words() == "No callbacks for 22 min (usual at this time: 5 min)."

    def test_silence_begins_with_the_last_callback(self, busy, look, clock):
        heard = Callback.objects.latest("received_at").received_at
        clock.advance(minutes=20)
        look()
        assert Incident.objects.get().opened_at == heard

    def test_silence_thresholds_are_per_instance(self, busy, look, clock):
        Instance.objects.update(silence_floor=60)
        clock.advance(minutes=50)
        assert look() == []

    def test_silence_of_a_disconnected_instance_is_merged(self, busy, look, clock):
        disconnect(busy, clock, minutes=0)
        clock.advance(minutes=30)
        assert look() == ["disconnected"]

    def test_open_silence_is_merged_into_a_disconnection(self, busy, look, clock, listener):
        clock.advance(minutes=30)
        look()
        disconnect(busy, clock, minutes=3)
        look()
        clock.advance(minutes=6)
        look()
        assert listener == [
            *[("silent", "opened"), ("disconnected", "opened"), ("silent", "merged")],
        ]

    def test_less_than_a_week_gives_no_usual_silence(self, instance, look, clock):
        hear(instance, *every(timedelta(minutes=2), since=ago(clock, days=6), until=clock.now))
        learn_rhythms()
        clock.advance(hours=5)
        assert look() == []

    def test_usual_silence_is_kept_after_callbacks_are_purged(self, busy, look, clock):
        clock.advance(minutes=30)
        look()
        Callback.objects.all().delete()
        clock.advance(days=2)
        learn_rhythms()
        assert look() == ["silent"]

    def test_usual_silence_is_learnt_once_a_day(self, busy, clock):
        assert learn_rhythms() == 0
        clock.advance(days=1, minutes=1)
        assert learn_rhythms() == 1
        assert Rhythm.objects.get().learnt_at == clock.now


class TestNeverHeard:
    @pytest.fixture
    def pushed(self, instance, clock):
        Instance.objects.update(connected=True, connection_changed_at=ago(clock, hours=30))
        return Webhook.objects.create(
            instance=instance,
            kind=WebhookKind.MESSAGE_STATUS,
            state=WebhookState.IN_SYNC,
            pushed_at=ago(clock, hours=25),
        )

    def test_no_callback_a_day_after_the_push_opens_an_incident(self, pushed, look):
        assert look() == ["silent"]
        assert words() == (
            "No callback has arrived, although the number is connected and Z-API has had "
            "Statusboard’s URL for 1 day 1 h."
        )

    def test_no_callback_within_a_day_opens_no_incident(self, pushed, look, clock):
        Instance.objects.update(connection_changed_at=ago(clock, hours=23))
        assert look() == []

    def test_purged_callbacks_still_count_as_received(self, pushed, look, clock):
        Webhook.objects.update(heard_at=ago(clock, days=9))
        assert look() == []


class TestDeaf:
    @pytest.fixture
    def three(self, instance, clock):
        """Three of four instances with the same usual silence stop sending callbacks."""
        names = ("Loja", "Vendas", "Cobranças")
        some = [
            instance,
            *(
                Instance.objects.create(account=instance.account, name=name, zapi_id=name)
                for name in names
            ),
        ]
        for one in some:
            moments = every(timedelta(minutes=4), since=ago(clock, days=8), until=clock.now)
            hear(one, *moments)
        learn_rhythms()
        clock.advance(minutes=30)
        hear(some[3], clock.now)
        return some[:3]

    def test_most_instances_silent_open_one_incident(self, three, look):
        assert look() == ["deaf"]
        assert words() == ("3 of 4 instances have sent no callbacks for longer than usual.")

    def test_two_silent_instances_of_four_open_two_incidents(self, three, look, clock):
        hear(three[0], clock.now)
        assert look() == ["silent", "silent"]

    def test_disconnected_instances_do_not_count_as_silent(self, three, look, clock):
        disconnect(three[0], clock, minutes=10)
        assert look() == ["disconnected", "silent", "silent"]

    def test_open_silences_are_merged_into_the_common_incident(self, three, look, clock, listener):
        for one in three[:2]:
            Incident.objects.create(
                kind="silent", instance=one, opened_at=clock.now, last_seen_at=clock.now
            )
        assert look() == ["deaf"]
        assert listener == [("deaf", "opened"), *[("silent", "merged")] * 2]


def test_filtered_callbacks_open_an_incident(instance, look):
    Webhook.objects.create(instance=instance, kind=WebhookKind.MESSAGE_STATUS)
    Instance.objects.update(filters=["FILTER_MESSAGE_STATUS_CALLBACK"])
    assert look() == ["filtered"]
    assert words() == (
        "The URL is set, but a filter at Z-API blocks these callbacks: Message status."
    )


class TestUnreachable:
    def test_three_failed_checks_open_an_incident(self, instance, look, zapi):
        zapi.answer_name = "fault"
        for expected in ([], [], ["unreachable"]):
            instance.refresh_from_db()
            check(instance)
            assert look() == expected
        assert words() == f"Connection and webhook state unknown. {Problem.ZAPI_FAULT.label}"

    def test_permanent_refusal_opens_an_incident_at_once(self, instance, look, zapi):
        zapi.answer_name = "unauthorized"
        check(instance)
        assert look() == ["unreachable"]

    def test_answer_of_zapi_resolves_the_incident(self, instance, settle, zapi):
        zapi.answer_name = "unauthorized"
        check(instance)
        settle()
        zapi.answer_name = "ok"
        check(instance)
        assert "unreachable" not in settle()

    def test_most_instances_unreachable_open_one_incident(self, instance, look):
        Instance.objects.bulk_create(
            Instance(account=instance.account, name=str(number), zapi_id=str(number))
            for number in range(4)
        )
        for one in Instance.objects.exclude(pk=instance.pk):
            one.webhooks.create(kind="message-status", state="unreachable", problem="zapi fault")
        Instance.objects.exclude(pk=instance.pk).update(failed_checks=3)
        assert look() == ["unreachable"]
        assert words() == f"Z-API gives no data for 4 of 5 instances. {Problem.ZAPI_FAULT.label}"


def test_many_failures_open_an_incident(instance, look, clock):
    send(instance, 4, ago(clock, minutes=3), rank=25, failure_code="media_not_found")
    send(instance, 2, ago(clock, minutes=3), rank=25, failure_code="send_timeout")
    send(instance, 4, ago(clock, minutes=3), rank=30)
    assert look() == ["failing"]
    assert words() == (
        "6 of 10 messages failed in the last 30 minutes."
        f" Main reason: {FAILURES['media_not_found'].text}"
    )


def test_main_reason_of_failures_counts_texts_with_the_same_meaning_together(instance, look, clock):
    send(instance, 4, ago(clock, minutes=3), rank=25, failure_code="media_not_found")
    send(instance, 3, ago(clock, minutes=3), rank=25, failure_code="instance_disconnected")
    send(instance, 2, ago(clock, minutes=3), rank=25, failure_code="device_disconnected")
    assert look() == ["failing"]
    assert words().endswith(f" Main reason: {FAILURES['instance_disconnected'].text}")


def test_few_failures_open_no_incident(instance, look, clock):
    send(instance, 6, ago(clock, minutes=3), rank=25)
    send(instance, 94, ago(clock, minutes=3), rank=30)
    assert look() == []


def taken_over(instance: Instance, **fields) -> Webhook:
    taken = {
        "kind": WebhookKind.MESSAGE_STATUS,
        "state": WebhookState.DIFFERS,
        "pushed_url": "https://board.example.com/x",
        "found_url": "https://crm.example.com/secret",
    }
    return Webhook.objects.create(instance=instance, **taken | fields)


def test_replaced_url_opens_an_incident(instance, look):
    taken_over(instance)
    assert look() == ["webhook"]
    assert words() == "Z-API calls the URL of another system for: Message status."
    assert title(Incident.objects.get()) == "Atendimento: Used by another system"


def test_removed_url_is_not_said_to_be_used_by_another_system(instance, look):
    taken_over(instance, found_url="")
    look()
    assert title(Incident.objects.get()) == "Atendimento: Wrong webhook URL"


def test_foreign_url_at_the_first_push_opens_an_incident(instance, look):
    taken_over(instance, pushed_url="")
    assert look() == ["webhook"]


def test_removed_url_opens_an_incident(instance, look):
    taken_over(instance, found_url="")
    look()
    assert words() == "Z-API has no URL for: Message status."


def test_replaced_url_stays_open_while_zapi_does_not_answer(instance, settle, zapi, listener):
    taken_over(instance)
    settle()
    zapi.answer_name = "fault"
    check(instance)
    assert Webhook.objects.get(kind=WebhookKind.MESSAGE_STATUS).state == WebhookState.UNREACHABLE
    assert settle() == ["webhook"]
    assert listener == [("webhook", "opened")]


def test_pushed_url_resolves_the_incident(instance, settle):
    taken = taken_over(instance)
    settle()
    url = webhook_url(instance)
    Webhook.objects.filter(pk=taken.pk).update(found_url=url, state=WebhookState.UNREACHABLE)
    assert settle() == []


def test_url_that_was_never_ours_opens_no_incident(instance, look):
    Webhook.objects.create(instance=instance, kind=WebhookKind.DELIVERY, state=WebhookState.DIFFERS)
    assert look() == []


def test_failing_forwarding_opens_an_incident(instance, look, clock):
    webhook = Webhook.objects.create(
        instance=instance, kind=WebhookKind.DELIVERY, forward_to="https://crm.example.com/"
    )
    ForwardLine.objects.create(
        webhook=webhook,
        next_try_at=clock.now,
        tries=9,
        failing_since=ago(clock, minutes=6),
        problem="unreachable",
    )
    assert look() == ["forwarding"]
    assert words() == "The receiver cannot be reached."


def test_malformed_callback_opens_an_incident(post, look):
    post(b"{")
    assert look() == ["quarantine"]
    assert words() == "1 callback could not be parsed. It is kept."


def test_callback_of_another_instance_opens_an_incident(instance, post, look):
    Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")
    post({"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "instanceId": "other"})
    assert look() == ["stranger"]
    assert subject_of(Incident.objects.get()) == "Atendimento"
    assert words() == "1 callback reached this instance’s webhook but belongs to Vendas."


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (timedelta(days=3, hours=1), "3 days left on the subscription."),
        (timedelta(hours=-1), "Subscription expired: Z-API has stopped sending."),
    ],
)
def test_expiring_subscription_opens_an_incident(instance, look, clock, by, said):
    Instance.objects.update(due_at=clock.now + by)
    assert look() == ["expiring"]
    assert words() == said


def test_unpaid_subscription_opens_an_incident(instance, look, clock):
    Instance.objects.update(payment_status="OVERDUE", due_at=clock.now + timedelta(days=200))
    assert look() == ["expiring"]
    assert words() == "Z-API payment status: OVERDUE."


@pytest.mark.parametrize("status", ["ACTIVE", "active", "PAID", "TRIAL", "", "TOMORROWS_WORD"])
def test_paid_subscription_opens_no_incident(instance, look, clock, status):
    Instance.objects.update(payment_status=status, due_at=clock.now + timedelta(days=200))
    assert look() == []


def beat(clock, host: str, **fields) -> None:
    WorkerBeat.objects.create(
        host=host, pid=1, started_at=clock.now, **{"beat_at": clock.now} | fields
    )


def test_spool_with_old_callbacks_opens_an_incident(instance, look, clock):
    beat(clock, "door-1", spool_waiting=3, spool_oldest=ago(clock, minutes=3))
    beat(clock, "door-2")
    assert look() == ["spool"]
    assert subject_of(Incident.objects.get()) == "door-1"
    assert words() == "3 callbacks are waiting in this server’s offline buffer."


def test_one_of_two_workers_gone_opens_an_incident(instance, look, clock):
    beat(clock, "one")
    beat(clock, "two", beat_at=ago(clock, minutes=2))
    assert look() == ["worker"]
    assert subject_of(Incident.objects.get()) == "two"


def test_stopped_or_restarted_worker_opens_no_incident(instance, look, clock):
    beat(clock, "one")
    beat(clock, "one", beat_at=ago(clock, minutes=2))
    beat(clock, "two", beat_at=ago(clock, minutes=2), stopped_at=ago(clock, minutes=2))
    assert look() == []


def test_every_kind_has_a_rule():
    from messages.incidents.rules import RULES  # noqa: PLC0415

    assert set(RULES) == set(IncidentKind)


class TestNumber:
    CONNECTED: ClassVar = {"type": "ConnectedCallback", "connected": True, "phone": "5544999990001"}

    def test_changed_number_is_reported_masked_for_a_day(self, post, look, settle, clock):
        post(self.CONNECTED)
        assert look() == []
        post(self.CONNECTED | {"phone": "5511988887777"})
        assert look() == ["number"]
        assert words() == "The connected number is now •••• 77 (before: •••• 01)."
        clock.advance(hours=25)
        assert settle() == []

    @pytest.mark.parametrize("phone", ["554499990001", "5544999990001:12@s.whatsapp.net", "", None])
    def test_same_number_in_another_format_is_no_change(self, post, look, phone):
        post(self.CONNECTED)
        post(self.CONNECTED | {"phone": phone})
        assert look() == []

    def test_late_older_report_is_no_change(self, post, look, instance):
        post(self.CONNECTED | {"momment": 1757333824580})
        post(self.CONNECTED | {"phone": "5511988887777", "momment": 1757333824000})
        assert look() == []
        instance.refresh_from_db()
        assert instance.number == "5544999990001"

    def test_instance_page_shows_both_numbers(self, post, instance, admin_client):
        post(self.CONNECTED)
        post(self.CONNECTED | {"phone": "5511988887777"})
        page = admin_client.get(f"/instances/{instance.pk}/", secure=True).content.decode()
        assert "+55 11 98888-7777" in page
        assert "+55 44 99999-0001" in page
