"""/api-keys/: made, shown once, listed, revoked."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from messages.accounts.roles import ADMIN
from messages.models import Action, ApiKey, AuditEvent, UserLimit

LIST = reverse("dashboard:api-keys")
ADD = reverse("dashboard:api-key-add")
REVOKE = reverse("dashboard:api-key-revoke")
NEW = {"name": "CRM", "scope": "role", "role": "support", "days": "365"}


@pytest.fixture
def admin(client, db):
    user = User.objects.create_user("ana")
    user.groups.add(Group.objects.get(name=ADMIN))
    client.force_login(user)
    return client


def make(client, **changes):
    """The key, as it is shown."""
    page = client.post(ADD, NEW | changes)
    assert page.headers["Cache-Control"] == "no-store"
    return page.content.decode().split('id="api-key">')[1].split("<")[0]


def asks(key: str, path: str = "/api/v1/messages/"):
    return Client().get(path, secure=True, headers={"authorization": f"Bearer {key}"}).status_code


def test_the_key_is_shown_once_and_works(admin):
    key = make(admin)
    assert asks(key) == 200
    page = admin.get(LIST).content.decode()
    assert key[:11] in page
    assert key not in page


def test_the_list_tells_who_may_what_until_when(admin, account):
    make(admin, scope="both", accounts=[account.pk])
    page = admin.get(LIST).content.decode()
    for words in ("CRM", "Support", "reads, labels", "Loja", "ana", "Never"):
        assert words in page


@pytest.mark.parametrize(
    ("role", "scope", "may"),
    [
        ("support", "role", (True, False)),
        ("supervisor", "role", (True, True)),
        ("admin", "role", (True, True)),
        ("admin", "read", (True, False)),
        ("support", "both", (True, True)),
        ("support", "label", (False, True)),
    ],
)
def test_a_key_may_what_its_role_does_or_what_was_chosen(admin, role, scope, may):
    make(admin, role=role, scope=scope)
    assert ApiKey.objects.values_list("may_read", "may_label").get() == may


def test_the_list_tells_when_a_key_was_last_used(admin):
    asks(make(admin, days="never"))
    assert "just now" in admin.get(LIST).content.decode()


def test_a_key_is_limited_to_what_was_chosen(admin, instance):
    make(admin, instances=[instance.pk])
    assert ApiKey.objects.get().limits.get().instance == instance


def test_a_revoked_key_works_no_longer(admin):
    key = make(admin)
    page = admin.post(REVOKE, {"key": key[:11], "confirmed": "1"}, follow=True).content.decode()
    assert "CRM revoked." in page
    assert asks(key) == 401


def test_before_a_key_is_revoked_a_page_asks_once_more(admin):
    key = make(admin)
    page = admin.post(REVOKE, {"key": key[:11]}).content.decode()
    assert "Revoke CRM?" in page
    assert f'name="key" value="{key[:11]}"' in page
    assert asks(key) == 200


@pytest.mark.parametrize("bad", [{"name": ""}, {"scope": ""}, {"role": "king"}, {"days": "7"}])
def test_what_makes_no_sense_makes_no_key(admin, bad):
    assert admin.post(ADD, NEW | bad).status_code == 200
    assert not ApiKey.objects.exists()


def test_it_is_audited_who_made_and_revoked_it(admin):
    admin.post(REVOKE, {"key": make(admin)[:11], "confirmed": "1"})
    events = AuditEvent.objects.filter(action__startswith="api key").order_by("id")
    assert [event.action for event in events] == [Action.API_KEY_CREATED, Action.API_KEY_REVOKED]
    assert {event.actor_name for event in events} == {"ana"}


def test_who_is_limited_makes_no_keys(admin, account):
    UserLimit.objects.create(user=User.objects.get(), account=account)
    for path in (LIST, ADD):
        assert admin.get(path).status_code == 403
    assert admin.post(REVOKE, {"key": "x"}).status_code == 403


def test_the_list_takes_the_same_queries_for_many(admin, account, django_assert_max_num_queries):
    for _ in range(5):
        make(admin, accounts=[account.pk])
    with django_assert_max_num_queries(8):  # two of them for the list, the others for who asks
        admin.get(LIST)
