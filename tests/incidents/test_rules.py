"""Each rule, from what it is found by to what is said about it."""

import json
from datetime import timedelta
from typing import ClassVar

import pytest
from django.utils import timezone

from messages.incidents.presentation import advice, description, subject_of
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
from tests.incidents.conftest import ago, every, hear, send


@pytest.fixture(autouse=True)
def _no_call_to_the_real_zapi(zapi):
    """Whoever asks for Z-API's queue asks the stand-in."""


def words() -> str:
    return description(Incident.objects.open().get())


def disconnect(instance: Instance, clock, **by: float) -> None:
    since = ago(clock, **by)
    Instance.objects.filter(pk=instance.pk).update(connected=False, connection_changed_at=since)


def test_all_well(instance, look):
    assert look() == []


class TestDisconnected:
    def test_it_opens_after_a_grace(self, instance, look, clock):
        disconnect(instance, clock, minutes=1)
        assert look() == []
        clock.advance(minutes=2)
        assert look() == ["disconnected"]

    def test_it_opens_however_often_it_is_reported(self, instance, look, clock, post):
        for minutes in (3, 2, 1, 0):
            moment = int(ago(clock, minutes=minutes).timestamp())
            post({"type": "DisconnectedCallback", "momment": moment})
        assert look() == ["disconnected"]

    def test_it_says_why_and_what_waits_at_zapi(self, instance, look, clock, zapi):
        look_at(zapi, instance).queued = 37
        disconnect(instance, clock, minutes=5)
        Instance.objects.update(connection_reason="Device has been disconnected")
        look()
        assert words() == (
            "Z-API: “Device has been disconnected”. "
            "37 messages wait in Z-API’s queue and are sent when the number reconnects."
        )

    def test_the_advice_follows_what_zapi_says(self, instance, look, clock, zapi):
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

    def test_a_phone_that_is_off_is_said_first(self, instance, look, clock, zapi):
        look_at(zapi, instance).connected = False
        disconnect(instance, clock, minutes=5)
        look()
        assert advice(Incident.objects.get()).startswith("Check that the phone is on")

    def test_without_a_word_of_zapi_both_ways_are_named(self, instance, look, clock, zapi):
        zapi.answer_name = "fault"
        disconnect(instance, clock, minutes=5)
        look()
        assert "Restart the instance" in advice(Incident.objects.get())
        assert "QR code" in advice(Incident.objects.get())

    def test_400_stuck_messages_under_it_are_one_incident(self, instance, look, clock):
        send(instance, 400, ago(clock, minutes=45))
        disconnect(instance, clock, minutes=50)
        assert look() == ["disconnected"]
        assert "400 messages are stuck." in words()

    def test_what_was_stuck_before_is_told_as_part_of_it_and_not_as_over(
        self, instance, look, clock, told
    ):
        send(instance, 5, ago(clock, minutes=31))
        look()
        disconnect(instance, clock, minutes=3)
        assert look() == ["disconnected"]
        clock.advance(minutes=6)
        look()
        turns = [("stuck", "opened"), ("disconnected", "opened"), ("stuck", "merged")]
        assert told == turns
        assert Incident.objects.get(kind="stuck").values["part_of"] == "disconnected"

    def test_messages_stuck_hours_before_stay_a_problem_of_their_own(self, instance, look, clock):
        send(instance, 5, ago(clock, minutes=31))
        look()
        clock.advance(hours=3)
        disconnect(instance, clock, minutes=3)
        assert look() == ["disconnected", "stuck"]

    def test_it_began_when_zapi_says_and_not_when_it_was_noticed(self, instance, look, clock):
        disconnect(instance, clock, minutes=5)
        look()
        assert Incident.objects.get().opened_at == ago(clock, minutes=5)

    def test_messages_stuck_while_it_is_not_told_yet_wait_for_it(self, instance, look, clock):
        send(instance, 5, ago(clock, minutes=31))
        disconnect(instance, clock, minutes=1)
        assert look() == []

    def test_a_reconnected_one_is_given_time_to_deliver(self, instance, look, clock, told):
        send(instance, 5, ago(clock, minutes=45))
        disconnect(instance, clock, minutes=50)
        look()
        Instance.objects.update(connected=True, connection_changed_at=clock.now)
        assert look() == ["disconnected"]
        clock.advance(minutes=6)
        assert look() == []
        clock.advance(minutes=25)
        assert look() == ["stuck"]

    def test_an_archived_instance_is_let_go(self, instance, settle, clock, told):
        disconnect(instance, clock, minutes=5)
        settle()
        Instance.objects.update(archived_at=timezone.now())
        assert settle() == []


def look_at(zapi, instance):
    """The stand-in's own instance; made known by a first call."""
    from messages.incidents.zapi_queue import queued_at_zapi  # noqa: PLC0415

    queued_at_zapi(instance)
    return zapi.instances[instance.zapi_id]


class TestStuck:
    def test_messages_not_delivered_in_time(self, instance, look, clock):
        send(instance, 5, ago(clock, minutes=31))
        assert look() == ["stuck"]
        assert words() == (
            "5 messages are stuck. Nothing is queued at Z-API: WhatsApp has them; the contacts’ "
            "phones may be off. Stuck means sent, but not confirmed as delivered."
        )

    def test_the_threshold_is_the_instance_s_own(self, instance, look, clock):
        Instance.objects.update(stuck_after=60)
        send(instance, 5, ago(clock, minutes=31))
        assert look() == []

    def test_a_threshold_of_more_than_a_day(self, instance, look, clock):
        Instance.objects.update(stuck_after=30 * 60)
        send(instance, 5, ago(clock, hours=30, minutes=1))
        assert look() == ["stuck"]

    def test_one_contact_whose_phone_is_off_is_no_incident(self, instance, look, clock):
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
    def test_what_nobody_confirms_is_not_stuck(self, instance, look, clock, phone):
        send(instance, 9, ago(clock, minutes=31), phone=phone, is_group=True)
        assert look() == []

    def test_it_stays_open_when_nothing_more_is_sent(self, instance, settle, clock):
        send(instance, 5, ago(clock, minutes=31))
        settle()
        clock.advance(hours=3)
        assert settle() == ["stuck"]

    def test_what_waited_stands_while_zapi_does_not_answer(self, instance, look, clock, zapi):
        look_at(zapi, instance).queued = 37
        send(instance, 5, ago(clock, minutes=31))
        look()
        zapi.answer_name = "fault"
        clock.advance(minutes=6)
        look()
        assert "37 messages wait in Z-API’s queue" in words()

    def test_the_queue_is_counted_by_pages_where_zapi_has_no_count(
        self, instance, look, clock, zapi, caplog
    ):
        remembered = look_at(zapi, instance)
        remembered.queued, remembered.counts_queue = 137, False
        send(instance, 5, ago(clock, minutes=31))
        look()
        assert "137 messages wait in Z-API’s queue, not sent yet." in words()
        sizes = [json.loads(call.body)["pageSize"] for call in zapi.calls if call.body]
        assert sizes == [30] * 5
        assert "Text" not in str(Incident.objects.get().values)
        assert "ZAPI_BASE_URL" not in caplog.text

    def test_a_queue_longer_than_is_read_is_told_as_the_least(self, instance, look, clock, zapi):
        remembered = look_at(zapi, instance)
        remembered.queued, remembered.counts_queue = 5000, False
        disconnect(instance, clock, minutes=5)
        look()
        assert "At least 1020 messages wait in Z-API’s queue" in words()

    def test_incidents_wait_for_no_zapi_that_hangs(self, instance, look, clock, zapi, monkeypatch):
        monkeypatch.setattr("messages.incidents.zapi_queue._TIME_LIMIT", 0.0)
        send(instance, 5, ago(clock, minutes=31))
        assert look() == ["stuck"]
        assert zapi.calls == []
        monkeypatch.setattr("messages.incidents.zapi_queue._TIME_LIMIT", 20.0)
        look()
        assert len(zapi.calls) == 1

    def test_zapi_is_not_asked_at_every_look(self, instance, look, clock, zapi):
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
        """CallbackBatch every two minutes, day and night, for two weeks."""
        hear(
            instance,
            *every(timedelta(minutes=2), since=ago(clock, days=14), until=clock.now),
        )
        learn_rhythms()
        return instance

    def test_longer_than_is_its_habit(self, busy, look, clock):
        clock.advance(minutes=10)
        assert look() == []
        clock.advance(minutes=10)
        assert look() == ["silent"]
        assert words() == "No callbacks for 22 min (usual at this time: 5 min)."

    def test_it_began_with_the_last_callback(self, busy, look, clock):
        heard = Callback.objects.latest("received_at").received_at
        clock.advance(minutes=20)
        look()
        assert Incident.objects.get().opened_at == heard

    def test_the_factor_and_the_floor_are_the_instance_s_own(self, busy, look, clock):
        Instance.objects.update(silence_floor=60)
        clock.advance(minutes=50)
        assert look() == []

    def test_a_disconnected_one_has_a_better_reason(self, busy, look, clock):
        disconnect(busy, clock, minutes=0)
        clock.advance(minutes=30)
        assert look() == ["disconnected"]

    def test_one_that_turns_out_to_be_disconnected_is_told_as_that(self, busy, look, clock, told):
        clock.advance(minutes=30)
        look()
        disconnect(busy, clock, minutes=3)
        look()
        clock.advance(minutes=6)
        look()
        assert told == [
            *[("silent", "opened"), ("disconnected", "opened"), ("silent", "merged")],
        ]

    def test_less_than_a_week_is_no_habit(self, instance, look, clock):
        hear(instance, *every(timedelta(minutes=2), since=ago(clock, days=6), until=clock.now))
        learn_rhythms()
        clock.advance(hours=5)
        assert look() == []

    def test_what_was_learnt_outlives_the_callbacks_it_was_learnt_from(self, busy, look, clock):
        clock.advance(minutes=30)
        look()
        Callback.objects.all().delete()
        clock.advance(days=2)
        learn_rhythms()
        assert look() == ["silent"]

    def test_it_is_learnt_once_a_day(self, busy, clock):
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

    def test_a_day_after_the_push_it_is_told(self, pushed, look):
        assert look() == ["silent"]
        assert words() == (
            "Connected with Statusboard’s URL for 1 day 1 h, but no callback has arrived."
        )

    def test_sooner_it_is_not(self, pushed, look, clock):
        Instance.objects.update(connection_changed_at=ago(clock, hours=23))
        assert look() == []

    def test_one_that_was_heard_before_the_purge_is_none(self, pushed, look, clock):
        Webhook.objects.update(heard_at=ago(clock, days=9))
        assert look() == []


class TestDeaf:
    @pytest.fixture
    def three(self, instance, clock):
        """Of four with the same habit, three are heard no more."""
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

    def test_most_of_them_silent_at_once_is_one_incident(self, three, look):
        assert look() == ["deaf"]
        assert words() == ("3 of 4 instances have sent no callbacks for longer than usual.")

    def test_two_of_four_are_two(self, three, look, clock):
        hear(three[0], clock.now)
        assert look() == ["silent", "silent"]

    def test_who_has_a_reason_of_their_own_does_not_count(self, three, look, clock):
        disconnect(three[0], clock, minutes=10)
        assert look() == ["disconnected", "silent", "silent"]

    def test_what_was_told_of_each_is_told_as_part_of_it(self, three, look, clock, told):
        for one in three[:2]:
            Incident.objects.create(
                kind="silent", instance=one, opened_at=clock.now, last_seen_at=clock.now
            )
        assert look() == ["deaf"]
        assert told == [("deaf", "opened"), *[("silent", "merged")] * 2]


def test_callbacks_that_a_filter_holds_back(instance, look):
    Webhook.objects.create(instance=instance, kind=WebhookKind.MESSAGE_STATUS)
    Instance.objects.update(filters=["FILTER_MESSAGE_STATUS_CALLBACK"])
    assert look() == ["filtered"]
    assert words() == (
        "The URL is set, but a filter at Z-API blocks these callbacks: Message status."
    )


class TestUnreachable:
    def test_after_three_tries(self, instance, look, zapi):
        zapi.answer_name = "fault"
        for expected in ([], [], ["unreachable"]):
            instance.refresh_from_db()
            check(instance)
            assert look() == expected
        assert words() == (
            "Connection and webhook state unknown. Z-API has a fault of "
            "its own at the moment. Nothing is wrong here: try again later."
        )

    def test_at_once_where_another_try_would_not_help(self, instance, look, zapi):
        zapi.answer_name = "unauthorized"
        check(instance)
        assert look() == ["unreachable"]

    def test_it_is_over_once_z_api_answers(self, instance, settle, zapi):
        zapi.answer_name = "unauthorized"
        check(instance)
        settle()
        zapi.answer_name = "ok"
        check(instance)
        assert "unreachable" not in settle()

    def test_most_of_them_at_once_are_one_incident(self, instance, look):
        Instance.objects.bulk_create(
            Instance(account=instance.account, name=str(number), zapi_id=str(number))
            for number in range(4)
        )
        for one in Instance.objects.exclude(pk=instance.pk):
            one.webhooks.create(kind="message-status", state="unreachable", problem="No network.")
        Instance.objects.exclude(pk=instance.pk).update(failed_checks=3)
        assert look() == ["unreachable"]
        assert words() == "Z-API gives no data for 4 of 5 instances. No network."


def test_many_failures(instance, look, clock):
    send(instance, 6, ago(clock, minutes=3), rank=25)
    send(instance, 4, ago(clock, minutes=3), rank=30)
    assert look() == ["failing"]
    assert words() == "6 of 10 messages failed in the last 30 minutes."


def test_few_failures(instance, look, clock):
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


def test_a_webhook_that_somebody_took_over(instance, look):
    taken_over(instance)
    assert look() == ["webhook"]
    assert words() == "Z-API calls another URL instead of Statusboard’s for: Message status."


def test_a_webhook_that_was_somebody_else_s_from_the_first_push_on(instance, look):
    taken_over(instance, pushed_url="")
    assert look() == ["webhook"]


def test_a_webhook_without_any_url(instance, look):
    taken_over(instance, found_url="")
    look()
    assert words() == "Z-API has no URL for: Message status."


def test_a_webhook_taken_over_is_not_over_while_zapi_cannot_say(instance, settle, zapi, told):
    taken_over(instance)
    settle()
    zapi.answer_name = "fault"
    check(instance)
    assert Webhook.objects.get(kind=WebhookKind.MESSAGE_STATUS).state == WebhookState.UNREACHABLE
    assert settle() == ["webhook"]
    assert told == [("webhook", "opened")]


def test_a_webhook_pushed_again_is_over_whether_or_not_zapi_answers_since(instance, settle):
    taken = taken_over(instance)
    settle()
    url = webhook_url(instance)
    Webhook.objects.filter(pk=taken.pk).update(found_url=url, state=WebhookState.UNREACHABLE)
    assert settle() == []


def test_a_webhook_that_was_never_ours(instance, look):
    Webhook.objects.create(instance=instance, kind=WebhookKind.DELIVERY, state=WebhookState.DIFFERS)
    assert look() == []


def test_forwarding_in_vain(instance, look, clock):
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


def test_a_callback_that_cannot_be_understood(post, look):
    post(b"{")
    assert look() == ["quarantine"]
    assert words() == "1 callback could not be parsed. It is kept."


def test_a_callback_that_names_another_instance(instance, post, look):
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
def test_an_instance_that_expires(instance, look, clock, by, said):
    Instance.objects.update(due_at=clock.now + by)
    assert look() == ["expiring"]
    assert words() == said


def test_an_instance_that_was_not_paid(instance, look, clock):
    Instance.objects.update(payment_status="OVERDUE", due_at=clock.now + timedelta(days=200))
    assert look() == ["expiring"]
    assert words() == "Z-API payment status: OVERDUE."


@pytest.mark.parametrize("status", ["ACTIVE", "active", "PAID", "TRIAL", "", "TOMORROWS_WORD"])
def test_an_instance_that_was_paid(instance, look, clock, status):
    Instance.objects.update(payment_status=status, due_at=clock.now + timedelta(days=200))
    assert look() == []


def beat(clock, host: str, **fields) -> None:
    WorkerBeat.objects.create(
        host=host, pid=1, started_at=clock.now, **{"beat_at": clock.now} | fields
    )


def test_a_machine_s_spool(instance, look, clock):
    beat(clock, "door-1", spool_waiting=3, spool_oldest=ago(clock, minutes=3))
    beat(clock, "door-2")
    assert look() == ["spool"]
    assert subject_of(Incident.objects.get()) == "door-1"
    assert words() == "3 callbacks are waiting in this server’s offline buffer."


def test_one_of_two_workers_that_is_gone(instance, look, clock):
    beat(clock, "one")
    beat(clock, "two", beat_at=ago(clock, minutes=2))
    assert look() == ["worker"]
    assert subject_of(Incident.objects.get()) == "two"


def test_a_worker_that_was_stopped_or_started_anew_is_not_missed(instance, look, clock):
    beat(clock, "one")
    beat(clock, "one", beat_at=ago(clock, minutes=2))
    beat(clock, "two", beat_at=ago(clock, minutes=2), stopped_at=ago(clock, minutes=2))
    assert look() == []


def test_every_kind_has_a_rule():
    from messages.incidents.rules import RULES  # noqa: PLC0415

    assert set(RULES) == set(IncidentKind)


class TestNumber:
    CONNECTED: ClassVar = {"type": "ConnectedCallback", "connected": True, "phone": "5544999990001"}

    def test_another_number_is_told_for_a_day_without_its_digits(self, post, look, settle, clock):
        post(self.CONNECTED)
        assert look() == []
        post(self.CONNECTED | {"phone": "5511988887777"})
        assert look() == ["number"]
        assert words() == "The connected number is now •••• 77 (before: •••• 01)."
        clock.advance(hours=25)
        assert settle() == []

    @pytest.mark.parametrize("phone", ["554499990001", "5544999990001:12@s.whatsapp.net", "", None])
    def test_the_same_number_in_another_writing_is_no_change(self, post, look, phone):
        post(self.CONNECTED)
        post(self.CONNECTED | {"phone": phone})
        assert look() == []

    def test_an_older_report_that_comes_late_is_no_change(self, post, look, instance):
        post(self.CONNECTED | {"momment": 1757333824580})
        post(self.CONNECTED | {"phone": "5511988887777", "momment": 1757333824000})
        assert look() == []
        instance.refresh_from_db()
        assert instance.number == "5544999990001"

    def test_the_instances_page_names_both_numbers(self, post, instance, admin_client):
        post(self.CONNECTED)
        post(self.CONNECTED | {"phone": "5511988887777"})
        page = admin_client.get(f"/instances/{instance.pk}/", secure=True).content.decode()
        assert "+55 11 98888-7777" in page
        assert "+55 44 99999-0001" in page
