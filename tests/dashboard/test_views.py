"""The built-in and the saved views of the Messages page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.models import Message, SavedView


def shown(page):
    return {row.message.zapi_id for row in page.context["rows"]}


@pytest.fixture
def all_kinds(report, deliver):
    report("SENT", id="WAITING", minutes_ago=10)
    report("SENT", id="STUCK", minutes_ago=24 * 60)
    deliver("FAILED", error="Phone number does not exist")
    report("SENT", "RECEIVED", id="NO READ")
    report("SENT", "RECEIVED", "READ", id="READ")
    report("SENT", id="GROUP", phone="120363019502650977-group", isGroup=True)


@pytest.mark.parametrize(
    ("view", "ids"),
    [
        ("stuck", {"STUCK"}),
        ("failed", {"FAILED"}),
        ("no-read", {"NO READ"}),
        ("groups", {"GROUP"}),
        ("nonsense", {"WAITING", "STUCK", "FAILED", "NO READ", "READ", "GROUP"}),
    ],
)
def test_view_lists_only_its_messages(view, ids, viewer, all_kinds):
    assert shown(viewer.get("/", {"view": view})) == ids


def test_current_view_is_marked_and_keeps_the_filters(viewer, all_kinds):
    page = viewer.get("/?view=stuck&period=30d")
    links = {str(link.label): link for link in page.context["view_links"]}
    assert [name for name, link in links.items() if link.is_current] == ["Stuck"]
    assert links["Failed"].url == "/?view=failed&period=30d"


def test_stuck_message_says_for_how_long(viewer, report):
    message = report("SENT")
    ago = timezone.now() - timedelta(hours=2, minutes=1)
    Message.objects.filter(pk=message.pk).update(started_at=ago)
    assert "Stuck for 2 h 1 min" in viewer.get("/").content.decode()


def test_message_just_sent_is_not_stuck(viewer, report):
    report("SENT", minutes_ago=1)
    assert "Stuck for" not in viewer.get("/").content.decode()


def test_view_can_be_saved_opened_renamed_and_deleted(viewer, support, all_kinds):
    answer = viewer.post("/views/", {"name": "Bad days", "query": "view=failed&period=30d&x=1"})
    assert answer.url == "/?view=failed&period=30d"
    page = viewer.get(answer.url)
    assert page.context["current_view"].name == "Bad days"
    assert shown(page) == {"FAILED"}
    saved = SavedView.objects.get(user=support)
    viewer.post(f"/views/{saved.pk}/rename/", {"name": "Worse days"})
    assert "Worse days" in viewer.get("/").content.decode()
    question = viewer.post(f"/views/{saved.pk}/delete/").content.decode()
    assert "Delete the view “Worse days”?" in question
    assert "Everyone" not in question
    assert SavedView.objects.exists()
    viewer.post(f"/views/{saved.pk}/delete/", {"confirmed": "1"})
    assert not SavedView.objects.exists()


def test_view_name_must_be_unique_per_user(viewer, support):
    for _ in range(2):
        answer = viewer.post("/views/", {"name": "Mine", "query": "view=stuck"}, follow=True)
    assert SavedView.objects.count() == 1
    assert "You already have a view with this name." in answer.content.decode()


def test_view_is_visible_to_its_owner_only(viewer, admin_client, support):
    saved = SavedView.objects.create(user=support, name="My queue", query="view=stuck")
    assert "My queue" not in admin_client.get("/").content.decode()
    assert admin_client.post(f"/views/{saved.pk}/delete/").status_code == 404
    assert admin_client.post(f"/views/{saved.pk}/rename/", {"name": "x"}).status_code == 404


@pytest.mark.parametrize("name", ["", " ", "x" * 61])
def test_invalid_view_name_is_refused(viewer, name):
    viewer.post("/views/", {"name": name, "query": "view=stuck"})
    assert not SavedView.objects.exists()


def test_number_of_saved_views_is_limited(viewer, support):
    SavedView.objects.bulk_create(SavedView(user=support, name=str(n)) for n in range(30))
    answer = viewer.post("/views/", {"name": "One more", "query": "view=stuck"}, follow=True)
    assert "You can save up to 30 views" in answer.content.decode()
    assert SavedView.objects.count() == 30


def test_saved_view_of_a_masked_user_contains_no_number(masked_viewer):
    masked_viewer.post("/views/", {"name": "Them", "query": "q=5544999999999&view=stuck"})
    assert SavedView.objects.get().query == "view=stuck"
