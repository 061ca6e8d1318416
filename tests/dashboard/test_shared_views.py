"""Views that supervisors share, and links that people who may not see numbers can open."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User

from messages.accounts.encrypted_addresses import encrypt_address
from messages.accounts.roles import SUPERVISOR
from messages.instances.tags import set_tags
from messages.models import Instance, NumberSearches, SavedView, UserLimit
from tests.plugins.pages import HttpsClient, shown

NUMBER = "5544999999999"
OPAQUE = encrypt_address(NUMBER)


@pytest.fixture
def share(taker):
    """Save a shared view as a supervisor, who sees numbers."""

    def post(query, name="Urgent", **fields):
        posted = {"name": name, "query": query, "shared": "on"} | fields
        return taker.post("/views/", posted, follow=True)

    return post


@pytest.fixture
def colleague_user(db):
    user = User.objects.create_user("colleague")
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_message", "see_phones"])
    )
    return user


@pytest.fixture
def colleague(colleague_user):
    """A client of a person who sees numbers, but may not share views."""
    client = HttpsClient()
    client.force_login(colleague_user)
    return client


def views_seen(client):
    links = client.get("/").context["saved_links"]
    return {str(link.label): str(link.note) for link in links}


def test_shared_view_is_seen_by_everyone_with_the_name_of_its_owner(share, colleague, supervisor):
    supervisor.first_name = "Ana"
    supervisor.save()
    share("view=failed")
    assert views_seen(colleague) == {"Urgent": "Shared by Ana"}
    page = colleague.get("/?view=failed")
    assert page.context["current_view"].name == "Urgent"
    assert "Shared by Ana" in page.content.decode()
    assert "Edit view" not in page.content.decode()


def test_view_is_shared_only_with_the_permission(viewer, support):
    viewer.post("/views/", {"name": "Mine", "query": "view=failed", "shared": "on"})
    assert not SavedView.objects.get().shared
    assert "Share with everyone" not in viewer.get("/?view=failed").content.decode()


def test_shared_view_is_changed_by_its_owner_and_supervisors_only(share, colleague, client):
    share("view=failed")
    saved = SavedView.objects.get()
    for action in ("rename", "delete"):
        answer = colleague.post(f"/views/{saved.pk}/{action}/", {"name": "x", "confirmed": "1"})
        assert answer.status_code == 404
    other = User.objects.create_user("other")
    other.groups.add(Group.objects.get(name=SUPERVISOR))
    client.force_login(other)
    client.post(f"/views/{saved.pk}/rename/", {"name": "Now", "shared": "on"})
    assert views_seen(colleague) == {"Now": "Shared by super"}
    client.post(f"/views/{saved.pk}/rename/", {"name": "Now", "confirmed": "1"})
    assert views_seen(colleague) == {}
    assert client.post(f"/views/{saved.pk}/delete/", {"confirmed": "1"}).status_code == 404


def test_shared_view_is_deleted_only_after_saying_that_everyone_loses_it(share, taker, colleague):
    share("view=failed")
    url = f"/views/{SavedView.objects.get().pk}/delete/"
    question = taker.post(url).content.decode()
    assert "Everyone loses this shared view. Messages are not affected." in question
    assert views_seen(colleague)
    taker.post(url, {"confirmed": "1"})
    assert views_seen(colleague) == {}


def test_shared_view_stops_being_shared_only_after_saying_who_loses_it(share, taker, colleague):
    share("view=failed")
    url = f"/views/{SavedView.objects.get().pk}/rename/"
    question = taker.post(url, {"name": "Urgent"}).content.decode()
    assert "Everyone except super loses this view." in question
    assert views_seen(colleague)
    taker.post(url, {"name": "Urgent", "confirmed": "1"})
    assert views_seen(colleague) == {}


@pytest.fixture
def elsewhere(colleague_user, account):
    """Limits the colleague to another instance, when called."""

    def limit():
        other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
        UserLimit.objects.create(user=colleague_user, instance=other)

    return limit


def test_shared_view_shows_each_viewer_only_their_messages(share, colleague, report, elsewhere):
    report("SENT")
    elsewhere()
    share("status=sent")
    assert views_seen(colleague)
    assert shown(colleague.get("/?status=sent")) == []


@pytest.mark.parametrize("query", ["instance={}", "tag=Secret+client"])
def test_shared_view_with_a_hidden_instance_or_tag_is_hidden(
    share, colleague, instance, elsewhere, query
):
    set_tags(instance, ["Secret client"])
    share(query.format(instance.pk))
    assert views_seen(colleague)
    elsewhere()
    assert views_seen(colleague) == {}
    assert "Secret" not in colleague.get("/").content.decode()


@pytest.mark.parametrize("text", ["44 99999-9999", "+55 (44) 9 9999-9999", "Cel: 44 99999-9999"])
def test_number_in_a_shared_view_becomes_an_encrypted_recipient(
    share, report, masked_viewer, taker, text
):
    report("SENT", "READ")
    report("SENT", id="OTHER", phone="5511987650000")
    page = share(f"status=read&q={text.replace('+', '%2B')}")
    assert SavedView.objects.get().query == f"recipient={OPAQUE}&status=read"
    assert "Recipient: +55 44 99999-9999" in page.content.decode()
    [link] = masked_viewer.get("/").context["saved_links"]
    page = masked_viewer.get(link.url)
    assert shown(page) == ["3EB0A1"]
    assert "Recipient: •••• 99" in page.content.decode()
    assert "9999" not in page.content.decode() + link.url


def test_recipient_link_finds_linked_addresses_and_the_other_form(viewer, report):
    report("SENT", id="NINE")
    report("SENT", id="OLD", phone="554499999999")
    assert shown(viewer.get(f"/?recipient={OPAQUE}")) == ["OLD", "NINE"]


@pytest.mark.parametrize(
    "text", ["9999-9999", "%2B5544", "5511911112222", "44 99999-9999 ou 11 98765-0000"]
)
def test_part_of_a_number_cannot_be_shared(share, report, text):
    report("SENT")
    assert "but no part of a number" in share(f"q={text}").content.decode()
    assert not SavedView.objects.exists()


def test_name_of_a_shared_view_contains_no_number(share):
    page = share("view=failed", name="Maria 44 99999-9999")
    assert "Do not put a phone number in the name" in page.content.decode()
    assert not SavedView.objects.exists()


def test_masked_viewer_opens_a_link_with_a_full_number_under_an_encrypted_address(
    masked_viewer, report
):
    report("SENT")
    answer = masked_viewer.get("/?q=%2B55+44+99999-9999&status=sent&period=30d")
    query = parse_qs(urlsplit(answer.url).query)
    assert query == {"recipient": [OPAQUE], "status": ["sent"], "period": ["30d"]}
    assert shown(masked_viewer.get(answer.url)) == ["3EB0A1"]
    assert NumberSearches.objects.get().searches == 1


@pytest.mark.parametrize("text", ["99999-9999", "+5544", "5511911112222"])
def test_masked_viewer_cannot_open_a_link_with_a_part_of_a_number(masked_viewer, report, text):
    report("SENT")
    answer = masked_viewer.get("/", {"q": text, "status": "sent"}, follow=True)
    assert answer.redirect_chain == [("/?status=sent", 302)]
    assert "This link contains a phone number, or a part of one," in answer.content.decode()


def test_link_that_cannot_be_read_shows_no_messages(viewer, report):
    report("SENT")
    page = viewer.get("/?recipient=forged")
    assert shown(page) == []
    assert "the link can no longer be read" in page.content.decode()
