"""Two users change the same row at the same time: no response is a 500."""

import threading

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection
from django.db.models.signals import pre_save
from django.urls import reverse

from messages.accounts.api_keys import issue
from messages.instances.connect import update
from messages.models import Account, ApiKey, ApiKeyLimit, Instance, Label, SavedView, UserLimit
from tests.plugins.pages import HttpsClient


@pytest.fixture
def merge(instance):
    """Return a function that merges two accounts by giving them the same Client-Token."""
    old = Account.objects.create(name="Old", client_token="old")
    moved = Instance.objects.create(account=old, name="Moved", zapi_id="moved", token="t")
    return lambda: update(moved, name="Moved", client_token="client-token-of-the-account")


def test_account_with_a_user_limit_can_be_merged(admin_client, instance, merge):
    old = Account.objects.get(name="Old")
    moved = Instance.objects.get(name="Moved")
    UserLimit.objects.create(user=User.objects.create_user("ana"), account=old)
    fields = {"name": "Moved", "client_token": "client-token-of-the-account"}
    answer = admin_client.post(reverse("dashboard:instance", args=[moved.pk]), fields)
    assert answer.status_code == 302
    moved.refresh_from_db()
    assert moved.account == instance.account
    assert not Account.objects.filter(pk=old.pk).exists()


def test_account_merge_does_not_widen_limits(instance, merge):
    old, moved = Account.objects.get(name="Old"), Instance.objects.get(name="Moved")
    ana = User.objects.create_user("ana")
    UserLimit.objects.create(user=ana, account=old)
    UserLimit.objects.create(user=ana, instance=moved)
    key = ApiKey(name="CRM", role="support")
    issue(key, accounts=[old], by=None)
    merge()
    for limits in (UserLimit.objects.filter(user=ana), ApiKeyLimit.objects.filter(key=key)):
        limit = limits.get()
        assert (limit.account, limit.instance) == (None, moved)


def race(name, model=SavedView):
    """Create the same row just before the view saves its own, after the form's uniqueness check."""

    def first(sender, instance, **_):
        pre_save.disconnect(first, sender=model)
        model.objects.create(user=instance.user, name=name)

    pre_save.connect(first, sender=model, weak=False)


def test_view_saved_twice_at_once_is_stored_once(viewer, instance):
    race("Mine")
    answer = viewer.post("/views/", {"name": "Mine", "query": "status=read"}, follow=True)
    assert answer.status_code == 200
    assert "You already have a view with this name" in answer.text


def test_view_renamed_to_a_name_just_taken_keeps_its_name(viewer, support, instance):
    saved = SavedView.objects.create(user=support, name="Old", query="status=read")
    race("New")
    answer = viewer.post(f"/views/{saved.pk}/rename/", {"name": "New"}, follow=True)
    assert answer.status_code == 200
    saved.refresh_from_db()
    assert saved.name == "Old"


@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite in memory, as of tests, refuses a second thread where a file makes it wait",
)
@pytest.mark.django_db(transaction=True)
def test_form_sent_by_several_threads_is_always_answered():
    user = User.objects.create_user("twice")
    user.groups.add(Group.objects.get_or_create(name="Support")[0])
    user.is_superuser = True
    user.save()
    client = HttpsClient()
    client.force_login(user)
    codes = []

    def send():
        one = HttpsClient()
        one.cookies = client.cookies
        codes.append(one.post("/views/", {"name": "V", "query": ""}).status_code)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert codes == [302] * 4
    assert SavedView.objects.count() == 1


def test_unexpected_integrity_error_on_a_page_returns_409(admin_client, instance):
    """On any page, a conflict with another write returns 409 instead of 500."""

    def clash(sender, **_):
        raise IntegrityError("Key (name)=(secret) already exists")

    pre_save.connect(clash, sender=User, weak=False)
    try:
        fields = {"username": "new", "email": "n@example.com", "role": "Support"}
        answer = admin_client.post(reverse("dashboard:person-invite"), fields)
    finally:
        pre_save.disconnect(clash, sender=User)
    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("text/html")
    assert "secret" not in answer.text


def test_unexpected_integrity_error_in_the_api_returns_problem_json(instance, monkeypatch):
    key = issue(ApiKey(name="CRM", role="admin", may_label=True), by=None)

    def clash(*_args, **_options):
        raise IntegrityError("Key (name)=(secret) already exists")

    monkeypatch.setattr(Label.objects, "bulk_create", clash)
    answer = HttpsClient().put(
        f"/api/v1/messages/{instance.zapi_id}/A1/label/",
        {"label": "x"},
        content_type="application/json",
        headers={"authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert "secret" not in answer.text
