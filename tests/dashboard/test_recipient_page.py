"""GET /recipients/…: the messages of a person, and revealing the full number."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from messages.accounts.encrypted_addresses import encrypt_address
from messages.dashboard.messages.recipient_views import FunnelStep
from messages.domain.statuses import Status
from messages.incidents.incident_counts import Counts, incident_counts
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Action,
    Alias,
    AuditEvent,
    Incident,
    IncidentKind,
    Instance,
    Message,
    UserLimit,
)

NUMBER, LID = "5544999999999", "123456789012345@lid"


def open_page(client, address=NUMBER, **query):
    return client.get(f"/recipients/{encrypt_address(address)}/", query)


def shown(page):
    return {row.message.zapi_id for row in page.context["rows"]}


@pytest.fixture
def history(deliver, report):
    deliver("TIED")
    report("SENT", "RECEIVED", "READ", id="TIED", phone=LID)
    report("RECEIVED", id="LID", phone=LID)
    report("SENT", id="OLD FORM", phone="554499999999")
    deliver("FAILED", error="expired")
    report("SENT", id="ELSEWHERE", phone="5511987654321")
    report("READ_BY_ME", id="INBOUND")
    follow_up()


@pytest.mark.parametrize("address", [NUMBER, "554499999999", LID])
def test_page_shows_messages_of_every_address_of_a_person(viewer, history, address):
    assert shown(open_page(viewer, address)) == {"TIED", "LID", "OLD FORM", "FAILED"}


def test_funnel_counts_the_steps_of_the_messages(viewer, history):
    funnel = open_page(viewer).context["funnel"]
    counts = {str(rung.label): (rung.count, rung.share) for rung in funnel.steps}
    assert counts == {
        "Sent": (3, "75.0%"),
        "Delivered": (2, "50.0%"),
        "Read": (1, "25.0%"),
        "Failed": (1, "25.0%"),
    }
    assert funnel.total == 4


def test_incomplete_share_is_never_shown_as_100_percent():
    assert FunnelStep(Status.SENT, "Sent", 1999, 2000).share == "99.9%"


def test_message_that_failed_after_sending_counts_as_sent(viewer, report):
    report("SENT", "FAILED")
    report("FAILED", id="NEVER SENT")
    funnel = open_page(viewer).context["funnel"]
    counts = {str(rung.label): rung.count for rung in funnel.steps}
    assert counts == {"Sent": 1, "Delivered": 0, "Read": 0, "Failed": 2}


def test_other_form_of_the_number_is_named_only_if_it_has_messages(viewer, report):
    words = "Includes messages to the same number with or without the 9:"
    report("SENT")
    assert words not in open_page(viewer).content.decode()
    report("SENT", id="OLD FORM", phone="554499999999")
    page = open_page(viewer).content.decode()
    assert re.search(rf"{words}\s+.*\+55 44 9999-9999", page)


def test_page_shows_how_the_addresses_are_linked(viewer, history):
    page = open_page(viewer).content.decode()
    assert LID in page
    assert "+55 44 9999-9999" in page
    assert "LID of this phone number:" in page


def test_number_seen_with_the_same_lid_is_the_same_person(viewer, history, instance):
    Alias.objects.create(instance=instance, lid=LID, number="5511987654321")
    page = open_page(viewer)
    assert "ELSEWHERE" in shown(page)
    assert re.search(r"Other number with the same LID:\s+<", page.content.decode())


def test_recipient_with_only_inbound_messages_says_so(viewer, report):
    report("READ_BY_ME", id="INBOUND")
    assert "No messages for this recipient" in open_page(viewer).content.decode()


def test_page_title_contains_no_number(viewer, history):
    page = open_page(viewer).content.decode()
    assert "9999" not in page[page.index("<title>") : page.index("</title>")]


def test_pagination_keeps_the_recipient(viewer, history, monkeypatch):
    monkeypatch.setattr("messages.search.keyset.PAGE_SIZE", 2)
    first = open_page(viewer)
    second = viewer.get(first.context["older_url"])
    assert shown(first) | shown(second) == {"TIED", "LID", "OLD FORM", "FAILED"}
    assert not shown(first) & shown(second)


def test_limited_user_sees_and_counts_only_visible_messages(viewer, support, history, account):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    Message.objects.filter(zapi_id="FAILED").update(instance=other)
    page = open_page(viewer)
    assert (shown(page), page.context["funnel"].total) == ({"FAILED"}, 1)


@pytest.mark.parametrize("action", ["get", "post"])
def test_recipient_without_visible_messages_is_not_found(revealer, history, account, action):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=User.objects.get(username="masked"), instance=other)
    answer = open_page(revealer) if action == "get" else reveal(revealer, reason="Curiosity")
    assert answer.status_code == 404
    assert not AuditEvent.objects.filter(action=Action.PHONE_REVEALED).exists()


@pytest.mark.parametrize("text", ["x", NUMBER, encrypt_address(NUMBER)[:-2]])
def test_invalid_recipient_url_is_not_found(viewer, text):
    assert viewer.get(f"/recipients/{text}/").status_code == 404


def test_page_query_count_is_fixed(admin_client, history, django_assert_num_queries):
    # Queries: session, user, aliases, other addresses, messages, responses, events, labels,
    # counts.
    with django_assert_num_queries(9):
        open_page(admin_client)


def test_cause_of_stuck_messages_and_banner_share_one_query(
    admin_client, report, instance, django_assert_num_queries
):
    report("SENT", minutes_ago=42)
    now, kind = timezone.now(), IncidentKind.DISCONNECTED
    since = now - timedelta(minutes=45)
    Incident.objects.create(kind=kind, instance=instance, opened_at=since, last_seen_at=now)
    incident_counts.freeze(Counts(open=1))
    with django_assert_num_queries(9):
        page = open_page(admin_client)
    assert [row.why_stuck.title for row in page.context["rows"]] == ["Atendimento is disconnected"]
    assert page.context["attention"].count == 1


def test_stuck_messages_without_open_incidents_need_no_query(
    admin_client, report, django_assert_num_queries
):
    report("SENT", minutes_ago=42)
    with django_assert_num_queries(8):
        assert open_page(admin_client).context["rows"][0].stuck_for


def test_group_needs_no_query_for_other_addresses(admin_client, report, django_assert_num_queries):
    group = "120363019502650977-group"
    report("SENT", phone=group, isGroup=True)
    with django_assert_num_queries(8):
        assert len(shown(open_page(admin_client, group))) == 1


@pytest.fixture
def revealer(masked_viewer):
    user = User.objects.get(username="masked")
    user.user_permissions.add(Permission.objects.get(codename="reveal_phone"))
    return masked_viewer


def reveal(client, **fields):
    return client.post(f"/recipients/{encrypt_address(NUMBER)}/reveal/", fields)


def test_number_is_revealed_for_a_reason_and_audited(revealer, history):
    assert "99999-9999" not in open_page(revealer).content.decode()
    assert "+55 44 99999-9999" in reveal(revealer, reason="The customer asked").content.decode()
    event = AuditEvent.objects.get(action=Action.PHONE_REVEALED)
    assert event.details == {"reason": "The customer asked"}
    assert "99999-9999" not in open_page(revealer).content.decode()


def test_number_is_not_revealed_without_a_reason(revealer, history):
    page = reveal(revealer, reason=" ").content.decode()
    assert "99999-9999" not in page
    assert "This field is required." in page
    assert not AuditEvent.objects.filter(action=Action.PHONE_REVEALED).exists()


@pytest.mark.parametrize("reason", ["Customer 5544987654321 called", "+55 (44) 9 8765-4321"])
def test_reason_that_contains_a_number_is_refused(revealer, history, reason):
    page = reveal(revealer, reason=reason).content.decode()
    assert "Do not include a phone number" in page
    assert "99999-9999" not in page
    assert not AuditEvent.objects.filter(action=Action.PHONE_REVEALED).exists()


def test_user_without_permission_cannot_reveal_the_number(masked_viewer, history):
    assert reveal(masked_viewer, reason="Curiosity").status_code == 403


def test_newest_message_is_the_one_sent_last(viewer, report):
    sent_last = report("SENT", id="NEW", minutes_ago=30)
    report("SENT", id="OLD", minutes_ago=300)
    assert open_page(viewer).context["funnel"].newest.value == sent_last.started_at
