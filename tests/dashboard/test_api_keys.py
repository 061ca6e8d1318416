"""/api-keys/: create, list and revoke API keys."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

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
    """Create a key and return it from the page that shows it."""
    page = client.post(ADD, NEW | changes)
    assert page.headers["Cache-Control"] == "no-store"
    return page.content.decode().split('id="api-key">')[1].split("<")[0]


def asks(key: str, path: str = "/api/v1/messages/"):
    return Client().get(path, secure=True, headers={"authorization": f"Bearer {key}"}).status_code


def test_new_key_works_and_is_shown_once(admin):
    key = make(admin)
    assert asks(key) == 200
    page = admin.get(LIST).content.decode()
    assert key[:11] in page
    assert key not in page


def test_list_shows_permissions_limits_creator_and_expiry(admin, account):
    make(admin, scope="both", accounts=[account.pk])
    page = admin.get(LIST).content.decode()
    for words in ("CRM", "Support", "reads, labels", "Loja", "ana", "Never"):
        assert words in page


@pytest.mark.parametrize(
    ("masked", "words"),
    [
        ((), "summaries and problems. Full phone numbers, also of recipients."),
        (("support",), "summaries and problems. Masked phone numbers, and no recipients."),
    ],
)
def test_form_says_whether_keys_of_a_role_read_full_numbers(admin, settings, masked, words):
    settings.MASK_PHONES_FOR = masked
    assert words in admin.get(ADD).content.decode()


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("support", "/api/v1/incidents/", 200),
        ("support", "/api/v1/instances/", 403),
        ("supervisor", "/api/v1/instances/", 200),
    ],
)
def test_key_reads_what_the_form_says_about_its_role(admin, role, path, status):
    assert asks(make(admin, role=role), path) == status


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
def test_key_permissions_follow_the_role_or_the_chosen_scope(admin, role, scope, may):
    make(admin, role=role, scope=scope)
    assert ApiKey.objects.values_list("may_read", "may_label").get() == may


def test_list_shows_the_last_use_of_a_key(admin):
    asks(make(admin, days="never"))
    used = timezone.localtime(ApiKey.objects.get().last_used_at).strftime("%H:%M:%S")
    assert used in admin.get(LIST).content.decode()


def test_key_is_limited_to_the_selected_instances(admin, instance):
    make(admin, instances=[instance.pk])
    assert ApiKey.objects.get().limits.get().instance == instance


def test_revoked_key_is_refused(admin):
    key = make(admin)
    page = admin.post(REVOKE, {"key": key[:11], "confirmed": "1"}, follow=True).content.decode()
    assert "CRM revoked." in page
    assert asks(key) == 401


def test_revoking_a_key_needs_confirmation(admin):
    key = make(admin)
    page = admin.post(REVOKE, {"key": key[:11]}).content.decode()
    assert "Revoke CRM?" in page
    assert f'name="key" value="{key[:11]}"' in page
    assert asks(key) == 200


@pytest.mark.parametrize("bad", [{"name": ""}, {"scope": ""}, {"role": "king"}, {"days": "7"}])
def test_invalid_form_creates_no_key(admin, bad):
    assert admin.post(ADD, NEW | bad).status_code == 200
    assert not ApiKey.objects.exists()


def test_creating_and_revoking_a_key_are_audited(admin):
    admin.post(REVOKE, {"key": make(admin)[:11], "confirmed": "1"})
    events = AuditEvent.objects.filter(action__startswith="api key").order_by("id")
    assert [event.action for event in events] == [Action.API_KEY_CREATED, Action.API_KEY_REVOKED]
    assert {event.actor_name for event in events} == {"ana"}


def test_limited_admin_cannot_manage_keys(admin, account):
    UserLimit.objects.create(user=User.objects.get(), account=account)
    for path in (LIST, ADD):
        assert admin.get(path).status_code == 403
    assert admin.post(REVOKE, {"key": "x"}).status_code == 403


def test_list_query_count_is_fixed(admin, account, django_assert_max_num_queries):
    for _ in range(5):
        make(admin, accounts=[account.pk])
    with django_assert_max_num_queries(8):  # two queries for the list, the others for the user
        admin.get(LIST)
