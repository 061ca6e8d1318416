"""Masked users and API keys cannot find out phone numbers by searching."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from messages.accounts.api_keys import issue
from messages.accounts.number_search_limits import PER_DAY, PER_MINUTE, audit_number_searches
from messages.accounts.roles import SUPERVISOR
from messages.incidents.detect import detect
from messages.incidents.incident_counts import incident_counts
from messages.models import (
    Action,
    ApiKey,
    AuditEvent,
    Channel,
    ChannelKind,
    Incident,
    IncidentKind,
    Instance,
    Label,
    Message,
    Notification,
    NumberSearches,
    Transition,
)
from messages.notifications.notification_queue import enqueue, queue_open_incidents
from tests.plugins.pages import HttpsClient


@pytest.fixture
def viewer(masked_admin):
    return masked_admin


NUMBER = "5531976853218"


def label(instance, zapi_id, words="", reference=""):
    now = timezone.now()
    return Label.objects.create(
        instance=instance, zapi_id=zapi_id, label=words, reference=reference, updated_at=now
    )


def listed(client, text, **more):
    page = client.get("/", {"q": text, "period": "all", **more})
    return {row.message.zapi_id for row in page.context["rows"]} if page.context else set()


def pass_a_minute():
    NumberSearches.objects.update(minute=timezone.now() - timedelta(minutes=2))


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch):
    """Freeze the clock, because each new minute allows new searches."""
    now = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def masked_key(settings, db):
    settings.MASK_PHONES_FOR = ["support"]
    text = issue(ApiKey(name="CRM", role="support"), by=None)
    return HttpsClient(headers={"authorization": f"Bearer {text}"})


@pytest.mark.parametrize("writing", [NUMBER, "+55 (31) 9 7685-3218", "55/31/97685/3218"])
def test_search_by_digits_of_a_masked_number_in_a_label_finds_nothing(
    viewer, report, instance, writing
):
    report("SENT", id="A1")
    label(instance, "A1", f"Order for {writing}")
    assert listed(viewer, "order for") == {"A1"}
    hidden = [NUMBER[at : at + size] for size in (3, 4, 5, 7) for at in range(len(NUMBER) - size)]
    for text in [*hidden, f"for {writing[:6]}", f"for {writing[:4]}", f"{writing[-5:]}"]:
        found = listed(viewer, text)
        assert not found, text


def test_labels_with_masked_numbers_do_not_push_out_other_results(viewer, report, instance):
    """Masking must come before the limit of 500 rows.

    Otherwise the remaining rows would reveal digits of the hidden ones.
    """
    report("SENT", id="PROBE")
    label(instance, "PROBE", "prefix 976")
    now = timezone.now()
    Label.objects.bulk_create(
        Label(instance=instance, zapi_id=f"H{n}", label=f"prefix 97 {NUMBER}", updated_at=now)
        for n in range(501)
    )
    assert listed(viewer, "976") == {"PROBE"}
    assert listed(viewer, "prefix 97") >= {"PROBE"}


def test_label_text_that_is_not_a_number_is_found(viewer, report, instance):
    report("SENT", id="A1")
    label(instance, "A1", "Order 10234 of 12/07/2026")
    for text in ("order 102", "of 12/07/2026", "10234 of"):
        assert listed(viewer, text) == {"A1"}


def test_changed_label_is_searched_with_its_new_masking(viewer, admin_client, instance):
    Message.objects.create(
        instance=instance,
        zapi_id="A1",
        rank=20,
        is_group=False,
        inbound=False,
        first_heard_at=timezone.now(),
        started_at=timezone.now(),
    )
    label(instance, "A1", "Order 1")
    path = f"/api/v1/messages/{instance.zapi_id}/A1/label/"
    key = issue(ApiKey(name="CRM", role="admin", may_label=True), by=None)
    body = {"label": f"Order 2 {NUMBER}"}
    options = {"content_type": "application/json", "headers": {"authorization": f"Bearer {key}"}}
    assert admin_client.put(path, body, **options).status_code == 200
    assert listed(viewer, "order 2") == set()  # its own digits are hidden as well
    assert listed(viewer, "7685") == set()


def test_number_searches_over_the_limit_per_minute_are_refused(masked_viewer, instance):
    answers = [
        masked_viewer.post("/search/", {"q": f"55319768532{n:02}"}).status_code for n in range(30)
    ]
    assert answers == [302] * PER_MINUTE + [429] * 10


def test_refused_search_gives_the_same_answer_for_any_number(masked_viewer, report):
    report("SENT", id="A1", phone=NUMBER)
    NumberSearches.objects.all().delete()
    for n in range(PER_MINUTE):
        masked_viewer.post("/search/", {"q": f"55319768530{n:02}"})
    right, wrong = (masked_viewer.post("/search/", {"q": q}) for q in (NUMBER, "5531976853299"))
    assert right.status_code == wrong.status_code == 429
    assert int(right["Retry-After"]) > 0


def test_number_search_limit_resets_each_minute(masked_viewer, report):
    report("SENT", id="A1", phone=NUMBER)
    for n in range(PER_MINUTE + 1):
        masked_viewer.post("/search/", {"q": f"55319768530{n:02}"})
    pass_a_minute()
    assert "/recipients/" in masked_viewer.post("/search/", {"q": NUMBER}).url


def test_number_searches_have_a_daily_limit(masked_viewer, instance):
    masked_viewer.post("/search/", {"q": NUMBER})
    NumberSearches.objects.update(searches=PER_DAY)
    pass_a_minute()
    assert masked_viewer.post("/search/", {"q": NUMBER}).status_code == 429


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("get", "/", "q"),
        ("get", "/messages/exports/size/", "q"),
        ("post", "/audit/person/", "number"),
        ("post", "/privacy/", "person"),
        ("post", "/privacy/erase/", "person"),
        ("get", "/api/v1/messages/", "reference"),
    ],
)
def test_number_search_on_every_page_counts_towards_the_limit(viewer, instance, method, path, name):
    getattr(viewer, method)(path, {name: NUMBER})
    assert NumberSearches.objects.get().searches == 1


def test_reference_with_a_number_counts_towards_the_limit(viewer, report, instance):
    report("SENT", id="A1")
    label(instance, "A1", reference=f"C-{NUMBER}")
    for n in range(PER_MINUTE):
        listed(viewer, f"C-55319768530{n:02}")
    assert viewer.get("/", {"q": f"C-{NUMBER}"}).status_code == 429
    assert viewer.get("/messages/exports/size/", {"q": f"C-{NUMBER}"}).content.startswith(b"0 ")
    pass_a_minute()
    message = Message.objects.get()
    assert viewer.get("/", {"q": f"C-{NUMBER}"}).url == f"/messages/{message.pk}/"


def test_api_key_of_a_masked_role_has_the_same_limit(masked_key, instance):
    path = "/api/v1/messages/"
    answers = [
        masked_key.get(path, {"reference": f"55319768532{n:02}"}).status_code for n in range(25)
    ]
    assert answers == [200] * PER_MINUTE + [429] * 5
    assert masked_key.get(path, {"q": NUMBER}).status_code in {400, 429}


def test_searches_for_ids_and_words_do_not_count_towards_the_limit(viewer, report, instance):
    report("SENT", id="3EB0538DA65A59F6D8A251")
    for text in ("3EB0538DA65A59F6D8A251", "order", "84213", "120363019502650977-group"):
        for _ in range(2):
            viewer.get("/", {"q": text})
    assert not NumberSearches.objects.exists()


def test_searches_of_users_who_see_numbers_are_not_counted(admin_client, instance):
    admin_client.get("/", {"q": NUMBER})
    assert not NumberSearches.objects.exists()


def test_number_searches_are_audited_hourly_without_the_numbers(masked_viewer, instance):
    for n in range(3):
        masked_viewer.post("/search/", {"q": f"55319768532{n:02}"})
    assert audit_number_searches() == 0  # searches of the current hour are not audited yet
    NumberSearches.objects.update(hour=timezone.now() - timedelta(hours=2))
    assert audit_number_searches() == 1
    assert audit_number_searches() == 0
    event = AuditEvent.objects.get(action=Action.NUMBERS_SEARCHED)
    assert event.actor_name == "masked"
    assert event.details["searches"] == event.details["without result"] == 3
    assert "53197" not in str(event.details)


@pytest.fixture
def guessed(masked_viewer, instance):
    masked_viewer.post("/search/", {"q": NUMBER})
    NumberSearches.objects.update(in_vain=30)
    detect(lambda *_: None)
    incident_counts.refresh()
    return Incident.objects.get(kind=IncidentKind.GUESSING)


def test_many_unsuccessful_number_searches_open_an_incident(guessed, admin_client):
    assert guessed.place == "masked"
    page = admin_client.get("/attention/").text
    assert "masked: Many failed phone searches" in page
    assert "30 phone number searches found nothing" in page


def test_incident_about_number_searches_is_hidden_from_supervisors(guessed, client):
    boss = User.objects.create_user("boss")
    boss.groups.add(Group.objects.get(name=SUPERVISOR))
    supervisor = HttpsClient()
    supervisor.force_login(boss)
    for path in ("/attention/", "/", "/api/v1/incidents/"):
        assert "masked" not in supervisor.get(path).text


def test_few_unsuccessful_number_searches_open_no_incident(masked_viewer, instance):
    masked_viewer.post("/search/", {"q": NUMBER})
    detect(lambda *_: None)
    assert not Incident.objects.filter(kind=IncidentKind.GUESSING).exists()


def test_masked_user_cannot_export_personal_data(viewer, instance):
    assert Instance.objects.exists()
    assert viewer.post("/privacy/export/", {"person": NUMBER}).status_code == 403


@pytest.mark.parametrize("is_limited", [True, False])
def test_limited_channel_gets_no_incident_about_number_searches(guessed, instance, is_limited):
    channel = Channel.objects.create(
        name="C", kind=ChannelKind.EMAIL, address="a@example.com", next_at=timezone.now()
    )
    if is_limited:
        channel.instances.add(instance)
    enqueue(guessed, Transition.OPENED)
    queue_open_incidents(channel)
    assert Notification.objects.exists() is not is_limited
