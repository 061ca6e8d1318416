"""The counts on the tabs of the message list, and of its results."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.models import Account, Instance, Message

HOME = "/"


def counts(page):
    """The tabs that have a count."""
    return {str(link.label): link.count for link in page.context["view_links"] if link.count}


@pytest.fixture
def failed_messages(instance):
    def create(number, **fields):
        now = timezone.now()
        values = {"first_heard_at": now, "started_at": now, "is_group": False, "inbound": False}
        values |= {"rank": 25, "failure_code": "unknown", "failed_at": now, "instance": instance}
        first = Message.objects.count()
        Message.objects.bulk_create(
            Message(zapi_id=f"F{first + place}", **values | fields) for place in range(number)
        )

    return create


def test_tabs_count_the_messages_that_they_lead_to(viewer, report, deliver):
    report("SENT", "RECEIVED", id="DELIVERED")
    report("SENT", id="STUCK", minutes_ago=90)
    deliver("FAILED", error="expired")
    report("RECEIVED", "READ", id="GROUP", phone="120363@g.us", isGroup=True)
    found = counts(viewer.get(HOME))
    assert found == {"Stuck": "1", "Failed": "1", "Delivered without read": "1", "Groups": "1"}


def test_tabs_count_within_the_chosen_period(viewer, failed_messages):
    failed_messages(1)
    failed_messages(2, first_heard_at=timezone.now() - timedelta(days=10))
    assert counts(viewer.get(HOME))["Failed"] == "1"
    assert counts(viewer.get("/?period=30d"))["Failed"] == "3"


def test_tabs_count_within_the_chosen_instance(viewer, failed_messages, account):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    failed_messages(1)
    failed_messages(2, instance=other)
    assert counts(viewer.get(f"/?instance={other.pk}"))["Failed"] == "2"


def test_tabs_count_only_messages_that_the_viewer_may_see(viewer, support, failed_messages):
    failed_messages(1)
    support.limits.create(account=Account.objects.create(name="Another"))
    assert counts(viewer.get(HOME)) == {}


def test_large_count_on_a_tab_is_capped(viewer, failed_messages):
    failed_messages(100)
    assert counts(viewer.get(HOME))["Failed"] == "99+"


def test_tabs_have_no_count_while_searching(viewer, failed_messages):
    failed_messages(1)
    assert counts(viewer.get("/?q=F0")) == {}


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1 message"), (34, "34 messages"), (1001, "1,000+ messages")],
)
def test_list_tells_how_many_messages_it_has(viewer, failed_messages, number, words):
    failed_messages(number)
    assert f">{words}</b>" in viewer.get(HOME).content.decode()


def test_count_that_looked_only_through_the_newest_messages_is_a_minimum(
    viewer, failed_messages, report
):
    failed_messages(3001)
    report("SENT", id="NEW")
    page = viewer.get("/?status=sent").content.decode()
    note = "At least 1: only the newest 3,000 messages were counted"
    assert f'<b title="{note}">1+ messages</b>' in page
    assert f'<span class="visually-hidden"> ({note})</span>' in page


def test_count_that_stopped_at_its_limit_says_so(viewer, failed_messages):
    failed_messages(1001)
    page = viewer.get("/?view=failed").content.decode()
    assert '<b title="More than 1,000 messages">1,000+ messages</b>' in page


def test_search_counts_messages_of_any_age(viewer, failed_messages, report):
    failed_messages(3001)
    failed_messages(1, phone="5511987654321", first_heard_at=timezone.now() - timedelta(days=900))
    assert "<b>1 message</b>" in viewer.get("/?q=5511987654321").content.decode()
