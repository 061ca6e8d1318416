"""What people and keys that see no numbers can find out by searching: nothing, and not for long."""

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
    """The next minute of the clock would allow new searches."""
    now = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def masked_key(settings, db):
    settings.MASK_PHONES_FOR = ["support"]
    text = issue(ApiKey(name="CRM", role="support"), by=None)
    return HttpsClient(headers={"authorization": f"Bearer {text}"})


@pytest.mark.parametrize("writing", [NUMBER, "+55 (31) 9 7685-3218", "55/31/97685/3218"])
def test_no_digits_of_a_number_in_a_label_are_found(viewer, report, instance, writing):
    report("SENT", id="A1")
    label(instance, "A1", f"Order for {writing}")
    assert listed(viewer, "order for") == {"A1"}
    hidden = [NUMBER[at : at + size] for size in (3, 4, 5, 7) for at in range(len(NUMBER) - size)]
    for text in [*hidden, f"for {writing[:6]}", f"for {writing[:4]}", f"{writing[-5:]}"]:
        found = listed(viewer, text)
        assert not found, text


def test_a_label_whose_number_is_hidden_crowds_no_other_out(viewer, report, instance):
    """Of 500 rows cut before masking, the ones left told which digits the hidden ones have."""
    report("SENT", id="PROBE")
    label(instance, "PROBE", "prefix 976")
    now = timezone.now()
    Label.objects.bulk_create(
        Label(instance=instance, zapi_id=f"H{n}", label=f"prefix 97 {NUMBER}", updated_at=now)
        for n in range(501)
    )
    assert listed(viewer, "976") == {"PROBE"}
    assert listed(viewer, "prefix 97") >= {"PROBE"}


def test_what_is_no_number_in_a_label_is_found(viewer, report, instance):
    report("SENT", id="A1")
    label(instance, "A1", "Order 10234 of 12/07/2026")
    for text in ("order 102", "of 12/07/2026", "10234 of"):
        assert listed(viewer, text) == {"A1"}


def test_a_label_changed_later_is_searched_as_it_is_masked_then(viewer, admin_client, instance):
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


def test_bulk_guesses_are_refused(masked_viewer, instance):
    answers = [
        masked_viewer.post("/search/", {"q": f"55319768532{n:02}"}).status_code for n in range(30)
    ]
    assert answers == [302] * PER_MINUTE + [429] * 10


def test_a_refused_search_tells_nothing(masked_viewer, report):
    report("SENT", id="A1", phone=NUMBER)
    NumberSearches.objects.all().delete()
    for n in range(PER_MINUTE):
        masked_viewer.post("/search/", {"q": f"55319768530{n:02}"})
    right, wrong = (masked_viewer.post("/search/", {"q": q}) for q in (NUMBER, "5531976853299"))
    assert right.status_code == wrong.status_code == 429
    assert int(right["Retry-After"]) > 0


def test_the_next_minute_has_new_searches(masked_viewer, report):
    report("SENT", id="A1", phone=NUMBER)
    for n in range(PER_MINUTE + 1):
        masked_viewer.post("/search/", {"q": f"55319768530{n:02}"})
    pass_a_minute()
    assert "/recipients/" in masked_viewer.post("/search/", {"q": NUMBER}).url


def test_a_day_has_an_end_too(masked_viewer, instance):
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
def test_every_way_to_ask_for_a_number_is_counted(viewer, instance, method, path, name):
    getattr(viewer, method)(path, {name: NUMBER})
    assert NumberSearches.objects.get().searches == 1


def test_a_reference_is_guessed_no_faster(viewer, report, instance):
    report("SENT", id="A1")
    label(instance, "A1", reference=f"C-{NUMBER}")
    for n in range(PER_MINUTE):
        listed(viewer, f"C-55319768530{n:02}")
    assert viewer.get("/", {"q": f"C-{NUMBER}"}).status_code == 429
    assert viewer.get("/messages/exports/size/", {"q": f"C-{NUMBER}"}).content.startswith(b"0 ")
    pass_a_minute()
    message = Message.objects.get()
    assert viewer.get("/", {"q": f"C-{NUMBER}"}).url == f"/messages/{message.pk}/"


def test_a_masked_key_guesses_no_faster(masked_key, instance):
    path = "/api/v1/messages/"
    answers = [
        masked_key.get(path, {"reference": f"55319768532{n:02}"}).status_code for n in range(25)
    ]
    assert answers == [200] * PER_MINUTE + [429] * 5
    assert masked_key.get(path, {"q": NUMBER}).status_code in {400, 429}


def test_searches_for_ids_and_words_are_not_counted(viewer, report, instance):
    report("SENT", id="3EB0538DA65A59F6D8A251")
    for text in ("3EB0538DA65A59F6D8A251", "order", "84213", "120363019502650977-group"):
        for _ in range(2):
            viewer.get("/", {"q": text})
    assert not NumberSearches.objects.exists()


def test_who_sees_numbers_is_not_counted(admin_client, instance):
    admin_client.get("/", {"q": NUMBER})
    assert not NumberSearches.objects.exists()


def test_searches_are_audited_once_an_hour_without_a_number(masked_viewer, instance):
    for n in range(3):
        masked_viewer.post("/search/", {"q": f"55319768532{n:02}"})
    assert audit_number_searches() == 0  # the hour is not over
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


def test_many_searches_in_vain_are_an_incident(guessed, admin_client):
    assert guessed.place == "masked"
    page = admin_client.get("/attention/").text
    assert "masked: Many failed phone searches" in page
    assert "30 phone number searches found nothing" in page


def test_only_who_sees_the_audit_log_sees_that_incident(guessed, client):
    boss = User.objects.create_user("boss")
    boss.groups.add(Group.objects.get(name=SUPERVISOR))
    supervisor = HttpsClient()
    supervisor.force_login(boss)
    for path in ("/attention/", "/", "/api/v1/incidents/"):
        assert "masked" not in supervisor.get(path).text


def test_few_searches_in_vain_are_none(masked_viewer, instance):
    masked_viewer.post("/search/", {"q": NUMBER})
    detect(lambda *_: None)
    assert not Incident.objects.filter(kind=IncidentKind.GUESSING).exists()


def test_what_may_hold_whole_numbers_is_exported_by_nobody_masked(viewer, instance):
    assert Instance.objects.exists()
    assert viewer.post("/privacy/export/", {"person": NUMBER}).status_code == 403


@pytest.mark.parametrize("is_limited", [True, False])
def test_no_channel_of_some_instances_is_told_who_tries_numbers(guessed, instance, is_limited):
    channel = Channel.objects.create(
        name="C", kind=ChannelKind.EMAIL, address="a@example.com", next_at=timezone.now()
    )
    if is_limited:
        channel.instances.add(instance)
    enqueue(guessed, Transition.OPENED)
    queue_open_incidents(channel)
    assert Notification.objects.exists() is not is_limited
