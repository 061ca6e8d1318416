"""The card "Why did it not arrive?" on the page of a message."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from messages.models import (
    Alias,
    Answer,
    AuditEvent,
    Incident,
    IncidentKind,
    Instance,
    Message,
    QueueReading,
    UserLimit,
)
from messages.simulator.gateway import SimulatedInstance

# As in tests/dashboard/test_message_page.py.
WITHOUT_CARD = 9
TITLE = "Why did it not arrive?"


def open_page(client, message):
    return client.get(reverse("dashboard:message", args=[message.pk]))


def verdict(client, message):
    return open_page(client, message).context["verdict"]


def lines(client, message):
    return {source.kind.value: source.text for source in verdict(client, message).sources}


@pytest.fixture
def stuck(report):
    return report("SENT", minutes_ago=42)


def add_messages(instance, number, at, **fields):
    """Messages to others, delivered unless `rank` says otherwise."""
    values = {"rank": 30, "is_group": False, "inbound": False} | fields
    Message.objects.bulk_create(
        Message(
            instance=instance,
            started_at=at,
            first_heard_at=at,
            **{
                "zapi_id": f"N{at.timestamp()}{n}{fields.get('rank')}",
                "phone": f"55119876{n:05}",
                "delivered_at": at,
            }
            | values,
        )
        for n in range(number)
    )


@pytest.mark.parametrize("steps", [("SENT", "RECEIVED"), ("SENT", "READ"), ("READ_BY_ME",)])
def test_message_that_arrived_has_no_card(viewer, report, steps):
    assert TITLE not in open_page(viewer, report(*steps, minutes_ago=42)).content.decode()


@pytest.mark.parametrize("minutes_ago", [0, 29])
def test_message_that_may_still_be_delivered_has_no_card(viewer, report, minutes_ago):
    page = open_page(viewer, report("SENT", minutes_ago=minutes_ago))
    assert TITLE not in page.content.decode()


def test_stuck_message_of_an_archived_instance_has_no_card(viewer, stuck):
    Instance.objects.update(archived_at=timezone.now())
    assert TITLE not in open_page(viewer, stuck).content.decode()


@pytest.mark.parametrize(
    "phone", ["status@broadcast", "1774895799-broadcast", "120363019502650977@newsletter"]
)
def test_message_that_nobody_confirms_has_no_card(viewer, report, phone):
    page = open_page(viewer, report("SENT", minutes_ago=42, phone=phone))
    assert TITLE not in page.content.decode()


def test_failed_then_delivered_message_has_no_card(viewer, deliver, report):
    deliver(error="Timeout on send message")
    page = open_page(viewer, report("RECEIVED"))
    assert TITLE not in page.content.decode()
    assert "Also failed" in page.content.decode()


def test_failed_message_shows_what_zapi_said(viewer, deliver):
    message = deliver(error="Phone number does not exist")
    page = open_page(viewer, message).content.decode()
    found = verdict(viewer, message)
    assert (found.certainty, found.verdict.cause) == ("Z-API said", "number_does_not_exist")
    assert TITLE in page
    assert "“Phone number does not exist”" in page
    assert "The recipient" in page
    assert "Ask the customer for the right number." in page
    assert "The contact has a new number or left WhatsApp." in page


@pytest.mark.parametrize("reason", ["100 %(x)s %d %", "<b>Teapot</b>", "x" * 5000])
def test_strange_reason_is_shown_as_it_is(viewer, deliver, reason):
    message = deliver(error=reason)
    page = open_page(viewer, message)
    assert page.status_code == 200
    assert verdict(viewer, message).verdict.cause == "unlisted_reason"
    assert "<b>Teapot" not in page.content.decode()


def test_reason_with_a_number_is_masked(masked_viewer, deliver):
    message = deliver(error="Teapot of 5544988887777")
    assert "98888" not in open_page(masked_viewer, message).content.decode()


def test_message_whose_neighbours_were_delivered_points_to_the_recipient(viewer, instance, stuck):
    add_messages(instance, 212, stuck.started_at)
    add_messages(instance, 2, stuck.started_at, rank=20, delivered_at=None)
    found = verdict(viewer, stuck)
    assert (found.certainty, found.verdict.cause) == ("Probably", "recipient")
    assert lines(viewer, stuck)["neighbours"] == (
        "212 of 214 other messages sent from this number in the same half hour were delivered. "
        "So our number was working."
    )
    assert "The contact blocked our number." in open_page(viewer, stuck).content.decode()


def test_neighbours_are_sent_within_a_quarter_of_an_hour_by_the_same_number(
    viewer, instance, stuck, account
):
    quarter, moment = timedelta(minutes=15), timedelta(microseconds=1)
    add_messages(instance, 1, stuck.started_at - quarter)
    add_messages(instance, 1, stuck.started_at + quarter - moment)
    add_messages(instance, 1, stuck.started_at - quarter - moment)
    add_messages(instance, 1, stuck.started_at + quarter)
    add_messages(instance, 1, stuck.started_at, inbound=True, zapi_id="INBOUND")
    add_messages(instance, 1, stuck.started_at, phone=stuck.phone, zapi_id="SAME")
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    add_messages(other, 9, stuck.started_at)
    assert lines(viewer, stuck)["neighbours"].startswith("2 of 2 other messages")


def test_neighbours_beyond_a_thousand_are_not_counted(viewer, instance, stuck):
    add_messages(instance, 1002, stuck.started_at)
    assert lines(viewer, stuck)["neighbours"].startswith("1000 of 1000 counted messages")


def test_recipient_who_was_reached_before_has_the_time(viewer, report, stuck):
    report("SENT", "RECEIVED", id="BEFORE", minutes_ago=90)
    assert lines(viewer, stuck)["recipient"].startswith("Earlier messages were delivered, the last")


def test_recipient_reached_later_means_that_the_status_is_missing(viewer, report, stuck):
    report("SENT", "RECEIVED", id="LATER", minutes_ago=10)
    found = verdict(viewer, stuck)
    assert found.verdict.cause == "status_not_reported"
    assert not found.possible
    assert lines(viewer, stuck)["recipient"].startswith("A later message was delivered")


def test_recipient_is_known_under_the_other_form_and_the_lid(viewer, report, stuck, instance):
    Alias.objects.create(instance=instance, lid="123456789012345@lid", number="5544999999999")
    report("SENT", "RECEIVED", id="LID", minutes_ago=90, phone="123456789012345@lid")
    assert "Earlier messages were delivered" in lines(viewer, stuck)["recipient"]


def test_record_has_only_messages_that_the_viewer_may_see(viewer, support, report, instance):
    stuck = report("SENT", minutes_ago=42)
    report("SENT", "RECEIVED", id="BEFORE", minutes_ago=90)
    account = instance.account
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    Message.objects.filter(zapi_id="BEFORE").update(instance=other)
    UserLimit.objects.create(user=support, instance=instance)
    assert "No earlier message" in lines(viewer, stuck)["recipient"]


def test_group_has_no_record_of_a_recipient(viewer, report, instance):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    message = report("SENT", minutes_ago=42, **group)
    add_messages(instance, 9, message.started_at)
    found = verdict(viewer, message)
    assert lines(viewer, message)["recipient"] == "It went to several people."
    assert [one.value for one in found.verdict.possible] == ["not_in_group"]


def add_incident(instance, kind, opened_at, resolved_at=None, **values):
    return Incident.objects.create(
        kind=kind,
        instance=instance,
        values=values,
        opened_at=opened_at,
        resolved_at=resolved_at,
        last_seen_at=resolved_at or timezone.now(),
    )


@pytest.mark.parametrize(
    ("minutes", "is_cause"),
    [
        ((-60, None), True),
        ((-60, 10), True),
        ((-60, 0), False),
        ((-60, -1), False),
        ((30, 60), True),
        ((31, 60), False),
    ],
)
def test_disconnection_at_that_time_is_the_cause(viewer, report, instance, minutes, is_cause):
    message = report("SENT", minutes_ago=120)
    opened, resolved = (
        None if one is None else message.started_at + timedelta(minutes=one) for one in minutes
    )
    add_incident(instance, IncidentKind.DISCONNECTED, opened, resolved)
    assert (verdict(viewer, message).verdict.cause == "instance_disconnected") is is_cause


def test_disconnection_whose_neighbours_were_delivered_is_contradicted(viewer, instance, stuck):
    add_incident(instance, IncidentKind.DISCONNECTED, stuck.started_at - timedelta(hours=1))
    add_messages(instance, 9, stuck.started_at)
    found = verdict(viewer, stuck)
    assert found.verdict.cause == "recipient"
    says = {source.kind.value: source.says.value for source in found.sources}
    assert (says["instance"], says["neighbours"]) == ("contradicts", "supports")


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({}, "state_unknown"),
        ({"connected": True, "connection_changed_at": -60}, "connected"),
        ({"connected": True, "connection_changed_at": 1}, "state_unknown"),
        ({"connected": False, "connection_changed_at": -1}, "disconnected"),
        ({"connected": False, "connection_changed_at": 5}, "state_unknown"),
        ({"due_at": 0}, "subscription_ended"),
        ({"due_at": 1}, "state_unknown"),
    ],
)
def test_state_without_a_problem_is_from_the_last_report(viewer, stuck, fields, finding):
    moved = {
        name: stuck.started_at + timedelta(minutes=value) if name.endswith("_at") else value
        for name, value in fields.items()
    }
    Instance.objects.update(**moved)
    found = verdict(viewer, stuck).sources[1]
    assert (found.kind, found.finding) == ("instance", finding)


def test_ended_subscription_is_named_from_its_end(viewer, instance, stuck):
    ended = stuck.started_at - timedelta(hours=2)
    add_incident(
        instance,
        IncidentKind.EXPIRING,
        ended - timedelta(days=7),
        over=True,
        due=ended.isoformat(),
        days=0,
    )
    assert verdict(viewer, stuck).verdict.cause == "subscription_ended"
    assert "The subscription ended on" in lines(viewer, stuck)["instance"]


def ask(client, message):
    return client.post(reverse("dashboard:message-queue", args=[message.pk]), follow=True)


def in_queue(zapi, instance, *rows):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, "token-of-the-instance", queue_rows=list(rows)
    )


def row(number, **fields):
    created = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=number)
    return {
        "MessageId": f"Q{number}",
        "ZaapId": f"ZQ{number}",
        "Created": int(created.timestamp() * 1000),
        "Phone": "5544912345678",
        "Message": "Marker text of a customer",
    } | fields


@pytest.mark.parametrize("ids", [{"MessageId": "3EB0A1"}, {"ZaapId": "Z3EB0A1"}])
def test_message_in_the_queue_has_its_place(viewer, deliver, instance, zapi, ids):
    message = deliver(momment=int((timezone.now() - timedelta(hours=1)).timestamp() * 1000))
    in_queue(zapi, instance, row(3), row(1), row(2, **ids), row(0))
    page = ask(viewer, message)
    assert page.context["verdict"].verdict.cause == "in_zapi_queue"
    assert lines(viewer, message)["queue"].startswith("Waiting, 2 messages ahead of it")
    assert "In the queue for" in lines(viewer, message)["queue"]
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.message_pk) == ("queue read", message.pk)


def test_sent_message_that_the_queue_still_lists_is_not_waiting(viewer, stuck, instance, zapi):
    in_queue(zapi, instance, row(0, MessageId=stuck.zapi_id))
    ask(viewer, stuck)
    found = verdict(viewer, stuck)
    assert found.verdict.cause == "unknown"
    assert "although it was sent" in lines(viewer, stuck)["queue"]


def test_text_in_the_queue_is_never_stored_logged_or_shown(viewer, stuck, instance, zapi, caplog):
    caplog.set_level("DEBUG")
    in_queue(
        zapi,
        instance,
        row(0, MessageId=stuck.zapi_id),
        {"Message": "Marker text of a customer"},
        "Marker text of a customer",
    )
    page = ask(viewer, stuck)
    assert QueueReading.objects.get().ahead == 0
    assert "Marker" not in page.content.decode()
    assert "Marker" not in caplog.text
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            assert not any("Marker" in str(values) for values in cursor.fetchall()), table


def test_message_that_is_not_in_the_queue_is_said_to_be_absent(viewer, stuck, instance, zapi):
    in_queue(zapi, instance)
    ask(viewer, stuck)
    assert lines(viewer, stuck)["queue"].startswith("Not in the queue")


def test_message_not_found_in_a_part_of_the_queue_may_be_in_it(viewer, stuck, instance, zapi):
    in_queue(zapi, instance, *[{"Phone": "1"}] * 1100)
    ask(viewer, stuck)
    assert "too long to read" in lines(viewer, stuck)["queue"]


@pytest.mark.parametrize("name", ["fault", "html", "undocumented", "hang-up", "not-found"])
def test_queue_that_fails_gives_a_clear_message(viewer, stuck, instance, zapi, name):
    zapi.answer_name = name
    page = ask(viewer, stuck)
    assert page.status_code == 200
    assert "Z-API" in str(next(iter(page.context["messages"])))
    assert "did not answer" in lines(viewer, stuck)["queue"]


def test_place_stays_known_when_a_later_question_fails(viewer, stuck, instance, zapi):
    in_queue(zapi, instance)
    ask(viewer, stuck)
    zapi.answer_name = "fault"
    ask(viewer, stuck)
    assert lines(viewer, stuck)["queue"].startswith("Not in the queue")


def test_queue_of_an_instance_without_token_gives_a_message(viewer, stuck, instance, zapi):
    Instance.objects.filter(pk=instance.pk).update(token="")
    assert ask(viewer, stuck).status_code == 200


def test_queue_is_not_asked_about_a_message_that_arrived(viewer, report, zapi):
    assert ask(viewer, report("SENT", "RECEIVED", minutes_ago=42)).status_code == 404
    assert not zapi.calls


def test_queue_is_asked_by_post_only(viewer, stuck, zapi):
    assert viewer.get(reverse("dashboard:message-queue", args=[stuck.pk])).status_code == 405


def test_queries_of_the_card_are_one_for_each_source(
    viewer, instance, stuck, django_assert_num_queries
):
    add_messages(instance, 50, stuck.started_at)
    # And: problems, queue, messages to others, aliases, messages to the recipient.
    with django_assert_num_queries(WITHOUT_CARD + 5):
        open_page(viewer, stuck)


def test_answered_message_arrived(viewer, stuck, instance):
    Answer.objects.create(
        instance=instance, zapi_id=stuck.zapi_id, digest="d", kind="reply", at=timezone.now()
    )
    found = verdict(viewer, stuck)
    assert (found.certainty, found.verdict.cause) == ("Probably", "arrived")
    assert lines(viewer, stuck)["recipient"].startswith("Answered this message")


@pytest.mark.parametrize(("neighbours", "certainty"), [(0, "Z-API said"), (9, "Probably")])
def test_restriction_at_that_time_is_named(viewer, deliver, instance, neighbours, certainty):
    message = deliver(error="Message could not be sent", errorCode="SHADOW_BAN")
    add_incident(instance, IncidentKind.RESTRICTED, message.started_at)
    add_messages(instance, neighbours, message.started_at - timedelta(minutes=5))
    found = verdict(viewer, message)
    assert (found.certainty, found.verdict.cause) == (certainty, "restricted_by_whatsapp")
    assert "Restricted by WhatsApp since" in lines(viewer, message)["instance"]
    assert "Do not reconnect the instance." in found.advice


@pytest.mark.parametrize(
    ("connected", "words"),
    [
        (False, ("Not yet.", "Reconnect the instance, then send it again.")),
        (True, ("Yes.", "The cause is over. Send it again if it is still needed.")),
    ],
)
@pytest.mark.usefixtures("instance")
def test_advice_for_a_failed_message_depends_on_the_connection_now(
    viewer, deliver, connected, words
):
    Instance.objects.update(connected=connected, connection_changed_at=timezone.now())
    found = verdict(viewer, deliver(error="Instance is disconnected"))
    assert (found.send_again, found.advice) == words


def test_number_that_was_reached_later_is_not_said_to_be_wrong(viewer, deliver, report):
    failed = deliver("FAILED", error="Phone number does not exist")
    assert verdict(viewer, failed).advice == "Ask the customer for the right number."
    report("SENT", "RECEIVED", id="LATER", minutes_ago=-1)
    found = verdict(viewer, failed)
    assert found.send_again == "Yes."
    assert "right number" not in open_page(viewer, failed).content.decode()
