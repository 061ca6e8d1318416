"""GET /messages/<pk>/: the page of one message."""

import re
from copy import copy
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from messages.dashboard.shared.moments import Moment
from messages.incidents.incident_counts import Counts, incident_counts
from messages.models import (
    Alias,
    Callback,
    Incident,
    IncidentKind,
    Label,
    Message,
    Outcome,
    StatusEvent,
)


def open_page(client, message):
    return client.get(reverse("dashboard:message", args=[message.pk]))


@pytest.fixture
def played(report, deliver):
    deliver()
    report("SENT", "RECEIVED", "READ", "READ_BY_ME", "PLAYED")
    return Message.objects.get()


def test_documented_callbacks_are_shown_as_steps_with_our_reading_apart(viewer, report):
    message = report("SENT", "RECEIVED", "READ", "READ_BY_ME", "PLAYED")
    page = open_page(viewer, message)
    reached = [str(step.status.label) for step in page.context["steps"] if step.is_reached]
    assert reached == ["Dispatched", "Sent", "Delivered", "Read", "Played"]
    assert page.context["by_us"].headline.words == "Read by us"
    assert "Opened by your own WhatsApp account, not by a recipient." in page.content.decode()


def test_summary_sentence_has_a_copy_button(viewer, report):
    page = open_page(viewer, report("SENT", "RECEIVED"))
    assert page.context["sentence"].endswith(", 1 s after sending. No read confirmation.")
    assert 'data-copy="#sentence"' in page.content.decode()
    assert "the contact can turn read receipts off" in page.content.decode()


def test_sending_number_is_offered_with_the_copied_sentence(viewer, report, instance):
    instance.number = "5544988887777"
    instance.save()
    page = open_page(viewer, report("SENT")).content.decode()
    assert 'value="Recipient: +55 44 99999-9999"' in page
    assert 'value="Sent by: Atendimento, +55 44 98888-7777"' in page


def test_copied_sentence_of_a_masked_role_has_masked_numbers(masked_viewer, report, instance):
    instance.number = "5544988887777"
    instance.save()
    page = open_page(masked_viewer, report("SENT")).content.decode()
    assert 'value="Recipient: •••• 99"' in page
    assert 'value="Sent by: Atendimento, •••• 77"' in page


def test_message_from_before_a_change_of_number_shows_the_number_of_that_time(
    viewer, report, instance
):
    message = report("SENT")
    instance.number, instance.previous_number = "5544988887777", "5544911112222"
    instance.number_changed_at = message.started_at + timedelta(minutes=1)
    instance.save()
    page = open_page(viewer, message).content.decode()
    assert "+55 44 91111-2222" in page
    assert "+55 44 98888-7777" not in page


@pytest.mark.parametrize(
    ("steps", "minutes_ago", "tone"),
    [
        (["SENT", "RECEIVED"], 0, "delivered"),
        (["SENT", "RECEIVED", "READ"], 0, "read"),
        (["SENT"], 42, "stuck"),
    ],
)
def test_sentence_has_the_colour_of_what_happened(viewer, report, steps, minutes_ago, tone):
    page = open_page(viewer, report(*steps, minutes_ago=minutes_ago)).content.decode()
    assert f'class="card outcome {tone}"' in page


def test_page_never_says_unread(viewer, report):
    assert "unread" not in open_page(viewer, report("RECEIVED")).content.decode().lower()


def test_group_message_shows_the_status_of_each_participant(viewer, report):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("RECEIVED", "READ", participant="5511987654321", **group)
    message = report("RECEIVED", participant="123456789012345", **group)
    page = open_page(viewer, message)
    people = {person.addresses[0]: str(person.status) for person in page.context["people"]}
    assert people == {"123456789012345": "RECEIVED", "5511987654321": "READ"}
    assert "Delivered to 2, read by 1" in page.content.decode()
    assert "+55 11 98765-4321" in page.content.decode()
    assert "123456789012345</span>" in page.content.decode()


@pytest.mark.parametrize(
    ("phone", "heading"),
    [("120363@g.us", "Participants"), ("1699999999@broadcast", "Recipients")],
)
def test_people_of_a_group_are_called_participants(viewer, report, phone, heading):
    report("RECEIVED", phone=phone, isGroup=True, participant="5511987654321")
    message = report("READ", phone=phone, isGroup=True, participant="5511987650000")
    page = open_page(viewer, message).content.decode()
    assert f'<h2 id="people">{heading}</h2>' in page


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Phone number does not exist", "Send again? No.</strong> Ask the customer for"),
        ("SHADOW_BAN", "Send again? Not yet.</strong> Stop sending"),
    ],
)
def test_advice_whether_to_send_again_is_below_the_sentence(viewer, deliver, reason, words):
    page = open_page(viewer, deliver(error=reason)).content.decode()
    below = page.split('id="sentence"')[1].split('class="stepper"')[0]
    assert words in " ".join(below.split())


def test_every_event_is_shown_with_its_flags(viewer, report):
    report("READ")
    report("READ")
    message = report("TELEPORTED")
    page = open_page(viewer, message).content.decode()
    assert "repeated ×2" in page
    assert "TELEPORTED" in page


def test_event_with_an_unusable_time_is_marked(viewer, report):
    message = report("SENT", momment="yesterday")
    assert "suspicious time" in open_page(viewer, message).content.decode()


@pytest.fixture
def disconnected(instance):
    now = timezone.now()
    incident_counts.freeze(Counts(open=1))
    return Incident.objects.create(
        kind=IncidentKind.DISCONNECTED,
        instance=instance,
        values={"queued": 37},
        opened_at=now - timedelta(minutes=45),
        last_seen_at=now,
    )


def test_stuck_message_shows_how_long_it_is_stuck(viewer, report):
    page = open_page(viewer, report("SENT", minutes_ago=42))
    assert "Stuck for 42 min" in page.content.decode()
    assert "Not delivered after 42 min" in page.context["internal_details"]


@pytest.mark.parametrize(
    ("phone", "badge"),
    [
        ("status@broadcast", "Status"),
        ("1774895799-broadcast", "Broadcast list"),
        ("120363019502650977@newsletter", "Channel"),
    ],
)
def test_broadcast_or_channel_message_has_a_badge_and_is_not_stuck(viewer, report, phone, badge):
    message = report("SENT", minutes_ago=42, phone=phone)
    for page in (open_page(viewer, message), viewer.get(f"/?q={phone}")):
        text = page.content.decode()
        assert f"</svg>{badge}</span>" in text
        assert "tuck for" not in text
    assert not viewer.get("/?view=stuck").context["rows"]


def test_stuck_message_shows_the_cause(viewer, report, disconnected):
    page = open_page(viewer, report("SENT", minutes_ago=42)).content.decode()
    assert "37 messages wait in Z-API’s queue" in page
    link = f'<a href="{reverse("dashboard:incidents")}">Atendimento is disconnected</a>'
    assert link in page


def test_stuck_message_is_said_not_to_be_in_zapis_queue(viewer, report, disconnected):
    page = open_page(viewer, report("SENT", minutes_ago=42)).content.decode()
    assert "This message was already sent, so it is not in Z-API’s queue." in page


def test_incident_that_began_hours_later_is_not_the_cause(viewer, report, disconnected):
    page = open_page(viewer, report("SENT", minutes_ago=4 * 60)).content.decode()
    assert "Stuck for 4 h" in page
    assert "is not connected" not in page
    assert "wait in Z-API’s queue" not in page


def test_disconnection_shortly_after_sending_is_the_cause(viewer, report, disconnected):
    assert "is not connected" in open_page(viewer, report("SENT", minutes_ago=47)).content.decode()


@pytest.mark.parametrize(
    ("incident", "is_cause"),
    [
        ({"kind": "expiring", "values": {"days": 3}}, False),
        ({"kind": "expiring", "values": {"over": True, "due": "2026-01-01T00:00:00+00:00"}}, True),
        ({"kind": "webhook", "values": {"hooks": ["connected"]}}, False),
        ({"kind": "webhook", "values": {"hooks": ["message-status"]}}, True),
    ],
)
def test_only_incidents_that_block_statuses_are_shown_as_the_cause(
    viewer, report, disconnected, incident, is_cause
):
    Incident.objects.update(**incident)
    page = open_page(viewer, report("SENT", minutes_ago=42)).content.decode()
    assert ("why-stuck" in page) is is_cause


def test_message_stuck_before_the_incident_is_not_explained_by_it(viewer, report, disconnected):
    Incident.objects.update(kind=IncidentKind.STUCK, values={"count": 5, "queued": 0})
    assert (
        "Z-API’s queue is empty"
        in open_page(viewer, report("SENT", minutes_ago=60)).content.decode()
    )
    earlier = report("SENT", id="EARLIER", minutes_ago=5 * 60)
    assert "Z-API’s queue is empty" not in open_page(viewer, earlier).content.decode()


def test_delivered_message_shows_no_cause(viewer, report, disconnected):
    page = open_page(viewer, report("SENT", "RECEIVED", minutes_ago=42)).content.decode()
    assert "queue" not in page


def test_stuck_message_in_the_list_shows_the_cause_on_hover(viewer, report, disconnected):
    report("SENT", minutes_ago=42)
    assert 'title="Atendimento is disconnected. Z-API' in viewer.get("/").content.decode()


@pytest.mark.parametrize(
    ("steps", "title"),
    [
        (("SENT", "RECEIVED"), "Proof of delivery"),
        (("SENT",), "Message record"),
        (("READ_BY_ME",), "Message record"),
    ],
)
def test_only_a_delivered_message_is_printed_as_proof_of_delivery(viewer, report, steps, title):
    page = open_page(viewer, report(*steps)).content.decode()
    assert re.search(rf'print-title">\s*{title}\s*</p>', page)


def test_failed_message_is_not_printed_as_proof_of_delivery(viewer, deliver):
    page = open_page(viewer, deliver(error="gone")).content.decode()
    assert "Proof of delivery" not in page


def test_printed_times_contain_the_year(viewer, report):
    message = report("SENT", "RECEIVED")
    page = open_page(viewer, message)
    year = str(message.sent_at.year)
    assert year in page.context["printed_sentence"]
    assert year not in page.context["sentence"]
    assert year in page.context["steps"][1].moment.exact


def test_arrival_on_another_day_is_shown_with_its_date(viewer, report):
    page = open_page(viewer, report("SENT", minutes_ago=3 * 24 * 60))
    (entry,) = page.context["entries"]
    assert entry.arrived_words == entry.arrived.brief
    assert entry.arrived_words in page.content.decode()


def test_raw_callbacks_need_permission(viewer, admin_client, played):
    address = reverse("dashboard:message-callbacks", args=[played.pk])
    assert address not in open_page(viewer, played).content.decode()
    assert viewer.get(address).status_code == 403
    assert address in open_page(admin_client, played).content.decode()
    page = admin_client.get(address)
    assert len(page.context["callbacks"]) == 6
    assert Moment(page.context["callbacks"][0].received_at).exact in page.content.decode()
    assert "&quot;status&quot;: &quot;READ_BY_ME&quot;" in page.content.decode()


def test_raw_callback_can_be_downloaded(admin_client, played):
    page = admin_client.get(reverse("dashboard:message-callbacks", args=[played.pk]))
    callback = page.context["callbacks"][0]
    address = reverse("dashboard:message-callback", args=[played.pk, callback.pk])
    assert address in page.content.decode()
    answer = admin_client.get(address)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.json()["type"] == "DeliveryCallback"


@pytest.mark.parametrize(
    ("outcome", "word", "why"),
    [
        (
            Outcome.ERASED,
            "Erased",
            ("The content was deleted: it was about a person whose data was erased."),
        ),
        (
            Outcome.DISCARDED,
            "Discarded",
            ("The content was deleted when the callback was discarded."),
        ),
        (Outcome.APPLIED, "Deleted", "The content was deleted by retention."),
    ],
)
def test_raw_callback_without_a_body_shows_the_reason(admin_client, report, outcome, word, why):
    message = report("SENT")
    Callback.objects.update(outcome=outcome, body=b"")
    page = admin_client.get(reverse("dashboard:message-callbacks", args=[message.pk]))
    text = page.content.decode()
    assert re.search(rf'<span class="tag">\s*{word}\s*</span>', text)
    assert why in text
    callback = Callback.objects.get().pk
    address = reverse("dashboard:message-callback", args=[message.pk, callback])
    assert address not in text
    assert admin_client.get(address).status_code == 404


def test_raw_callback_of_another_message_is_not_found(admin_client, played, report):
    other = report("SENT", id="OTHER")
    callback = played.events.first().callback_id
    address = reverse("dashboard:message-callback", args=[other.pk, callback])
    assert admin_client.get(address).status_code == 404


@pytest.mark.parametrize("name", ["3EB0A1", "Z3EB0A1"])
def test_page_shows_reference_and_label(viewer, deliver, instance, name):
    message = deliver()
    Label.objects.create(
        instance=instance,
        zapi_id=name,
        reference="ORDER-17",
        label="Boleto de novembro",
        updated_at=timezone.now(),
    )
    page = open_page(viewer, message).content.decode()
    assert "ORDER-17" in page
    assert "Boleto de novembro" in page.partition("<h1")[2].partition("</h1>")[0]


def test_recipient_link_does_not_contain_the_number(viewer, report):
    page = open_page(viewer, report("SENT"))
    assert viewer.get(page.context["recipient_url"]).status_code == 200
    assert "9999" not in page.context["recipient_url"]


def test_user_without_permission_gets_403(client, django_user_model, played):
    client.force_login(django_user_model.objects.create_user("nobody"))
    assert open_page(client, played).status_code == 403


@pytest.mark.parametrize("pk", ["0", "99999999999999999999999999", "9" * 5000, "-1", "x"])
def test_unknown_message_is_not_found(viewer, pk):
    assert viewer.get(f"/messages/{pk}/").status_code == 404


def test_page_query_count_is_fixed(viewer, played, django_assert_num_queries):
    # Queries: session, user, permissions (2), limits, message, responses, events, label.
    with django_assert_num_queries(9):
        open_page(viewer, played)


def test_raw_callbacks_page_shows_the_messages_status(admin_client, played):
    page = admin_client.get(reverse("dashboard:message-callbacks", args=[played.pk]))
    assert ">Played</span>" in page.content.decode()


def test_raw_callbacks_page_query_count_is_fixed(admin_client, played, django_assert_num_queries):
    # Queries: session, user, message, label, events for the badge, callback ids, callbacks. A
    # superuser's permissions need no query.
    with django_assert_num_queries(7):
        admin_client.get(reverse("dashboard:message-callbacks", args=[played.pk]))


def test_markup_in_callbacks_is_escaped(admin_client, deliver):
    message = deliver("<b>id</b>", error="<script>alert(1)</script>", phone="<i>")
    page = open_page(admin_client, message).content.decode()
    assert "<script>alert" not in page
    assert "<b>id" not in page


def test_large_group_shows_how_many_rows_are_left_out(viewer, report, django_assert_num_queries):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    message = report("RECEIVED", participant="5511987654321", **group)
    template = message.events.get()
    template.pk = None
    events = [copy(template) for _ in range(1000)]
    for number, event in enumerate(events):
        event.participant = f"551198765{number:04}"
    StatusEvent.objects.bulk_create(events)
    with django_assert_num_queries(9):
        page = open_page(viewer, message).content.decode()
    assert "Delivered to 1001" in page
    assert "701 more events are not shown." in page
    assert "701 more people are not shown." in page


def test_each_raw_callback_shows_its_reported_status(admin_client, report):
    message = report("SENT", "READ")
    page = admin_client.get(f"/messages/{message.pk}/callbacks/").content.decode()
    assert [page.count(f'<span class="tag">{word}</span>') for word in ("SENT", "READ")] == [1, 1]


@pytest.mark.parametrize(
    ("language", "zone", "words"),
    [
        ("en", "UTC", "(Times in UTC.)"),
        ("pt-br", "America/Manaus", "(Horários no fuso Manaus (UTC−4).)"),
        ("pt-br", "America/Sao_Paulo", ""),
        ("en", "America/Sao_Paulo", ""),
    ],
)
@override_settings(DEFAULT_TIME_ZONE="America/Sao_Paulo")
def test_summary_sentence_names_a_time_zone_other_than_the_default(
    viewer, report, language, zone, words
):
    message = report("SENT", "RECEIVED")
    viewer.cookies["django_language"] = language
    viewer.cookies["statusboard_time_zone"] = zone
    page = viewer.get(f"/messages/{message.pk}/").content.decode()
    sentence = page.partition('id="sentence">')[2].partition("</p>")[0].strip()
    assert sentence.endswith(words or ".")
    assert ("(" in sentence) == bool(words)


def test_lid_of_a_participant_is_shown_with_its_linked_number(viewer, report, instance):
    lid = "123456789012345"
    Alias.objects.create(instance=instance, lid=f"{lid}@lid", number="5544988887777")
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("RECEIVED", participant="5511987654321", **group)
    message = report("RECEIVED", participant=lid, **group)
    page = viewer.get(f"/messages/{message.pk}/")
    assert [[name.value for name in one.names] for one in page.context["people"]] == [
        ["5544988887777", lid],
        ["5511987654321"],
    ]


def test_lid_linked_to_two_numbers_is_shown_without_a_number(viewer, report, instance):
    lid = "123456789012345"
    for number in ("5544988887777", "5544911112222"):
        Alias.objects.create(instance=instance, lid=f"{lid}@lid", number=number)
    group = {"phone": "120363019502650977-group", "isGroup": True}
    message = report("RECEIVED", participant=lid, **group)
    (one,) = viewer.get(f"/messages/{message.pk}/").context["people"]
    assert [name.value for name in one.names] == [lid]


def test_raw_callback_with_a_status_that_is_not_text_is_shown(admin_client, post, report):
    for word in ("SENT\ud800", 7, ["SENT"]):
        post({"type": "MessageStatusCallback", "status": word, "ids": ["ODD"], "phone": "5544"})
    message = report("SENT", id="ODD")
    page = admin_client.get(f"/messages/{message.pk}/callbacks/")
    assert "SENT?" in page.content.decode()


def test_summary_sentence_uses_the_utc_offset_of_the_messages_date(viewer, report):
    message = report("SENT")
    summer = datetime(2026, 7, 1, 12, tzinfo=UTC)
    Message.objects.update(started_at=summer)
    viewer.cookies["statusboard_time_zone"] = "America/New_York"
    assert "(Times in New York (UTC−4).)" in viewer.get(f"/messages/{message.pk}/").content.decode()


def test_participant_reported_as_number_and_lid_is_shown_separately(viewer, report, instance):
    Alias.objects.create(instance=instance, lid="123456789012345@lid", number="5544988887777")
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("RECEIVED", participant="123456789012345", **group)
    message = report("READ", participant="5544988887777", **group)
    people = viewer.get(f"/messages/{message.pk}/").context["people"]
    assert [len(one.names) for one in people] == [1, 1]


def test_lids_of_participants_need_one_query(viewer, report, django_assert_num_queries):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    for number in range(5):
        message = report("RECEIVED", id="NUMBERS", participant=f"551198765432{number}", **group)
        with_lids = report("RECEIVED", id="LIDS", participant=f"12345678901234{number}", **group)
    viewer.get(f"/messages/{message.pk}/")
    with django_assert_num_queries(9):
        viewer.get(f"/messages/{message.pk}/")
    with django_assert_num_queries(10):
        viewer.get(f"/messages/{with_lids.pk}/")
