"""Users changed outside the People page, in Django admin or on the command line, are audited."""

import getpass
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.urls import NoReverseMatch, reverse

from messages.accounts.roles import SUPPORT
from messages.models import Action, AuditEvent
from tests.plugins.accounts import PASSWORD

CHANGED = {
    "username": "ana",
    "is_active": "on",
    "is_superuser": "on",
    "date_joined_0": "2026-01-01",
    "date_joined_1": "00:00",
}


@pytest.fixture
def ana(db: None) -> User:
    user = User.objects.create_user("ana", password=PASSWORD)
    user.groups.add(Group.objects.get(name=SUPPORT))
    return user


def written_down() -> dict[str, Any]:
    details: dict[str, Any] = AuditEvent.objects.get(action=Action.USER_CHANGED).details
    return details


def post(client, name, user, **fields):
    args = [user.pk] if user else []
    return client.post(reverse(f"admin:auth_user_{name}", args=args), fields, secure=True)


def test_user_made_superuser_in_django_admin_is_audited(admin_client, ana):
    role = Group.objects.get(name=SUPPORT).pk
    assert post(admin_client, "change", ana, groups=[role], **CHANGED).status_code == 302
    told = written_down()
    assert (told["user"], told["superuser"], told["roles"]) == ("ana", True, [SUPPORT])
    assert "Superuser status" in told["fields"]
    assert AuditEvent.objects.get(action=Action.USER_CHANGED).actor_name == "admin"


def test_user_added_in_django_admin_is_audited(admin_client, db):
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    post(admin_client, "add", None, username="bia", **passwords)
    told = written_down()
    assert (told["user"], told["added"], told["superuser"]) == ("bia", True, False)


def test_user_deleted_in_django_admin_is_audited(admin_client, ana):
    post(admin_client, "delete", ana, post="yes")
    assert not User.objects.filter(username="ana").exists()
    assert (written_down()["user"], written_down()["deleted"]) == ("ana", True)


def test_django_admin_cannot_edit_roles(admin_client):
    with pytest.raises(NoReverseMatch):
        reverse("admin:auth_group_changelist")


def test_superuser_created_on_the_command_line_is_audited(db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--no-input", username="chief", email="c@example.com")
    told = written_down()
    assert (told["user"], told["superuser"], told["added"]) == ("chief", True, True)


def test_password_changed_on_the_command_line_is_audited(ana, monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda **_: "a-new-long-one")
    call_command("changepassword", "ana", verbosity=0)
    assert written_down() == {"user": "ana", "password": "new"}
