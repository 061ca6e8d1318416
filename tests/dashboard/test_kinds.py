"""Messages to broadcast lists, channels and our own status, from callback to page."""

import pytest

from messages.incidents.detect import detect
from messages.jobs.follow_ups import follow_up
from messages.models import Message
from messages.summaries import recompute

CHANNEL = "120363019502650977@newsletter"
LIST = "1774895799-broadcast"
STATUS = "status@broadcast"
PEOPLE = ("5544999990001", "5544999990002", "5544999990003")


def shown(page) -> list[str]:
    return [row.message.zapi_id for row in page.context["rows"]]


def page_of(viewer, message_id: str) -> str:
    message = Message.objects.get(zapi_id=message_id)
    return str(viewer.get(f"/messages/{message.pk}/").content.decode())


@pytest.fixture
def of_each_kind(report):
    report("SENT", id="PERSON", phone=PEOPLE[0])
    report("SENT", id="GROUP", phone="120363019502650977-group", isGroup=True)
    report("SENT", id="LIST", phone=LIST)
    report("SENT", id="CHANNEL", phone=CHANNEL)
    report("SENT", id="STATUS", phone=STATUS)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", {"PERSON", "GROUP", "LIST", "CHANNEL"}),
        ("?kind=individual", {"PERSON"}),
        ("?kind=group", {"GROUP"}),
        ("?view=groups", {"GROUP"}),
        ("?kind=list", {"LIST"}),
        ("?kind=channel", {"CHANNEL"}),
        ("?kind=status", {"STATUS"}),
        ("?kind=status&kind=list", {"STATUS", "LIST"}),
        ("?kind=individual&kind=status", {"PERSON", "STATUS"}),
        ("?groups=1", {"GROUP", "LIST", "CHANNEL"}),
        ("?groups=0", {"PERSON"}),
        ("?kind=nonsense", {"PERSON", "GROUP", "LIST", "CHANNEL"}),
        ("?q=120363019502650977%40newsletter", {"CHANNEL"}),
        ("?q=status%40broadcast", {"STATUS"}),
        ("?q=1774895799%40broadcast", {"LIST"}),
    ],
)
def test_kind_filter_finds_only_messages_of_the_kind(viewer, of_each_kind, query, ids):
    assert set(shown(viewer.get(f"/{query}"))) == ids


@pytest.mark.parametrize("kind", ["individual", "group", "list", "channel", "status"])
def test_api_names_the_kind_and_filters_by_it(reader, of_each_kind, kind):
    found = reader.read("/messages/", kind=kind)
    assert [row["kind"] for row in found["results"]] == [kind]


def test_api_finds_our_status_by_its_id(reader, of_each_kind):
    assert [row["kind"] for row in reader.read("/messages/", message_id="STATUS")["results"]] == [
        "status"
    ]


def test_channel_expects_nothing_after_sent(viewer, report, clock):
    report("SENT", id="CHANNEL", phone=CHANNEL)
    clock.advance(hours=3)
    text = page_of(viewer, "CHANNEL")
    assert "WhatsApp reports no deliveries for channels." in text
    assert "Stuck" not in text
    assert "No read confirmation" not in text


def test_list_counts_the_people_reported_and_never_itself(viewer, report):
    report("SENT", id="LIST", phone=LIST)
    report("RECEIVED", id="LIST", phone=LIST)
    report("RECEIVED", id="LIST", phone=LIST, participant=LIST)
    for person in PEOPLE:
        report("SENT", id="LIST", phone=LIST, participant=person)
    report("RECEIVED", id="LIST", phone=LIST, participant=PEOPLE[0])
    report("READ", id="LIST", phone=LIST, participant=PEOPLE[1])
    text = page_of(viewer, "LIST")
    assert "Delivered to 2 of 3 reported, read by 1" in text
    page = viewer.get(f"/messages/{Message.objects.get().pk}/")
    assert {one.addresses for one in page.context["people"]} == {(one,) for one in PEOPLE}


def test_status_counts_the_people_who_saw_it(viewer, report):
    report("SENT", id="STATUS", phone=STATUS)
    for person in PEOPLE[:2]:
        report("READ", id="STATUS", phone=STATUS, participant=person)
    assert "Seen by 2" in page_of(viewer, "STATUS")


def test_channels_and_our_status_are_in_no_rate(viewer, of_each_kind):
    follow_up()
    recompute()
    page = viewer.get("/overview/")
    steps = {str(step.label): step for step in page.context["steps"]}
    assert steps["Messages"].count == 3
    assert len(shown(viewer.get(steps["Messages"].url))) == 3


def test_failed_status_posts_open_no_problem(report, deliver, clock):
    for number in range(9):
        deliver(id=f"S{number}", phone=STATUS, error="Phone number does not exist")
    assert detect(lambda incident, transition: None) == 0
