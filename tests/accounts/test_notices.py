"""Whoever's account is changed hears of it by e-mail, and the audit log has it."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from messages.accounts.people import invitation_tokens
from messages.models import Action, AuditEvent
from tests.mails import sent_mails
from tests.plugins.accounts import PASSWORD, code, enrol, is_signed_in, sign_in
from tests.plugins.pages import HttpsClient

NEW_PASSWORD = {
    "oldpassword": PASSWORD,
    "password1": "another-long-1",
    "password2": "another-long-1",
}


def told(address: str = "ana@example.com") -> list[str]:
    """The sentences that say what was changed."""
    mails = [
        mail for mail in sent_mails() if mail.to == [address] and "was changed" in mail.subject
    ]
    return [str(mail.body).split("\n\n")[1].strip() for mail in mails]


def change_in_django_admin(client: Client, user: User, **fields: Any) -> Any:
    """The form as it stands, and what is asked for."""
    page = reverse("admin:auth_user_change", args=[user.pk])
    form = client.get(page).context["adminform"].form
    names = ("username", "email", "is_active", "is_staff", "is_superuser", "groups")
    values = {name: form[name].value() or "" for name in names} | fields
    values |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    return client.post(page, {name: value for name, value in values.items() if value})


@pytest.fixture
def root(admin_client: Client) -> Client:
    return admin_client


def test_a_changed_password_is_told(client, ana):
    sign_in(client)
    client.post(reverse("account_change_password"), NEW_PASSWORD)
    assert told() == ["Your password was changed."]


def test_a_notice_says_when_from_where_and_what_to_do(client, ana, settings):
    settings.PUBLIC_BASE_URL = "https://board.example.com"
    sign_in(client)
    client.post(reverse("account_change_password"), NEW_PASSWORD)
    (mail,) = sent_mails()
    text = str(mail.body)
    assert " UTC\n" in text
    assert "IP: 127.0.0.1" in text
    assert "Browser: Unknown browser" in text
    assert "By:" not in text
    assert "https://board.example.com/account/password/reset/" in text
    assert not any(secret in text for secret in (PASSWORD, NEW_PASSWORD["password1"]))


def test_a_reset_password_is_told(client, ana):
    client.post(reverse("account_reset_password"), {"email": "ana@example.com"})
    link = next(part for part in str(sent_mails()[0].body).split() if "/key/" in part)
    page = client.get("/account" + link.partition("/account")[2], follow=True)
    chosen = {"password1": "another-long-1", "password2": "another-long-1"}
    client.post(page.redirect_chain[-1][0], chosen)
    assert told() == ["Your password was changed."]


def test_a_password_of_the_command_line_is_told(ana, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda **_: NEW_PASSWORD["password1"])
    call_command("changepassword", "ana", verbosity=0)
    assert told() == ["Your password was changed."]


def test_a_new_factor_and_its_codes_are_told(client, ana, django_capture_on_commit_callbacks):
    sign_in(client)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert set(told()) == {
        "A second factor was added to your account.",
        "Your account has new recovery codes.",
    }


def test_a_removed_factor_is_told(client, ana, django_capture_on_commit_callbacks):
    client.force_login(ana)
    enrol(ana)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert "A second factor was removed from your account." in told()


def test_new_recovery_codes_are_told(client, ana, django_capture_on_commit_callbacks):
    client.force_login(ana)
    enrol(ana)
    RecoveryCodes.activate(ana)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_generate_recovery_codes"))
    assert told() == ["Your account has new recovery codes."]


def test_a_reset_of_factors_is_told_with_who_did_it(boss_client, ana):
    enrol(ana)
    boss_client.post(reverse("dashboard:person-two-factor-reset", args=[ana.pk]))
    assert told() == ["All second factors were removed from your account."]
    assert "By: boss\n" in str(sent_mails()[0].body)


def test_an_api_key_is_told(boss_client):
    new = {"name": "CRM", "scope": "role", "role": "support", "days": "365"}
    boss_client.post(reverse("dashboard:api-key-add"), new)
    assert told("boss@example.com") == ["Your account created an API key."]
    assert "sb_" not in str(sent_mails()[0].body)


def test_another_role_is_told(boss_client, ana):
    boss_client.post(reverse("dashboard:person", args=[ana.pk]), {"role": "Supervisor"})
    assert told() == ["Your role or access was changed."]


@pytest.mark.parametrize(
    ("active", "words"),
    [("off", "Your account was deactivated."), ("on", "Your account was reactivated.")],
)
def test_a_switch_off_is_told_and_so_is_one_on(boss_client, ana, active, words):
    boss_client.post(reverse("dashboard:person-activity", args=[ana.pk]), {"active": active})
    assert told() == [words]


def test_another_address_is_told_to_the_old_one_and_the_new_one(root, ana):
    change_in_django_admin(root, ana, email="new@example.com")
    words = ["The e-mail address of your account was changed."]
    assert (told("ana@example.com"), told("new@example.com")) == (words, words)


def test_another_address_ends_the_sessions(root, ana, client):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    change_in_django_admin(root, ana, email="new@example.com")
    assert not is_signed_in(elsewhere)


def test_ones_own_address_keeps_the_session_that_changes_it(root, admin_user):
    elsewhere = HttpsClient()
    sign_in(elsewhere, "admin", "password")
    change_in_django_admin(root, admin_user, email="new@example.com")
    assert is_signed_in(root)
    assert not is_signed_in(elsewhere)


def test_another_address_stops_links_to_the_old_one(root, ana, client):
    client.post(reverse("account_reset_password"), {"email": "ana@example.com"})
    link = next(part for part in str(sent_mails()[0].body).split() if "/key/" in part)
    token = invitation_tokens.make_token(ana)
    change_in_django_admin(root, ana, email="new@example.com")
    page = client.get("/account" + link.partition("/account")[2], follow=True)
    assert "not valid" in page.text
    assert not invitation_tokens.check_token(User.objects.get(pk=ana.pk), token)


def test_another_address_is_written_down(root, ana):
    change_in_django_admin(root, ana, email="new@example.com")
    event = AuditEvent.objects.get(action=Action.USER_CHANGED)
    assert event.actor_name == "admin"
    assert "Email address" in event.details["fields"]


def test_a_role_given_in_django_admin_is_told(root, ana):
    change_in_django_admin(root, ana, groups=[Group.objects.get(name="Admin").pk])
    assert told() == ["Your role or access was changed."]


def test_a_switch_off_in_django_admin_is_told_and_its_sessions_stay_ended(root, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    change_in_django_admin(root, ana, is_active="")
    assert told() == ["Your account was deactivated."]
    User.objects.filter(pk=ana.pk).update(is_active=True)
    assert not is_signed_in(elsewhere)


def test_a_name_alone_tells_nothing(root, ana):
    change_in_django_admin(root, ana, username="anna")
    assert User.objects.get(pk=ana.pk).username == "anna"
    assert not told()


def test_who_has_no_address_is_told_nothing_and_nothing_breaks(boss_client, ana):
    User.objects.filter(pk=ana.pk).update(email="")
    boss_client.post(reverse("dashboard:person", args=[ana.pk]), {"role": "Supervisor"})
    assert sent_mails() == []


def test_a_notice_is_in_the_boards_language_whoever_causes_it(boss_client, ana):
    page = reverse("dashboard:person", args=[ana.pk])
    boss_client.post(page, {"role": "Supervisor"}, headers={"accept-language": "pt-br"})
    (mail,) = sent_mails()
    assert isinstance(mail, EmailMessage)
    assert "Hello ana," in str(mail.body)


def test_other_sessions_ended_at_once_are_written_down(client, ana):
    for browser in (HttpsClient(), HttpsClient(), client):
        sign_in(browser)
    client.post(reverse("usersessions_list"))
    event = AuditEvent.objects.get(action=Action.SIGNED_OUT)
    assert (event.actor_name, event.details) == ("ana", {"elsewhere": 2})


def test_no_other_session_to_end_writes_nothing_down(client, ana):
    sign_in(client)
    client.post(reverse("usersessions_list"))
    assert not AuditEvent.objects.filter(action=Action.SIGNED_OUT).exists()


def test_django_admin_has_no_second_list_of_addresses():
    assert EmailAddress not in admin.site._registry


def test_a_failed_proof_is_written_down(client, ana):
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    event = AuditEvent.objects.get(action=Action.SIGN_IN_FAILED)
    assert event.details == {"user": "ana", "step": "password asked again"}


@pytest.mark.parametrize("name", ["mfa_view_recovery_codes", "mfa_download_recovery_codes"])
def test_codes_that_were_shown_are_written_down(client, ana, name):
    client.force_login(ana)
    enrol(ana)
    RecoveryCodes.activate(ana)
    client.get(reverse(name))
    event = AuditEvent.objects.get(action=Action.TWO_FACTOR_CHANGED)
    assert (event.actor_name, event.details) == ("ana", {"shown": "recovery_codes"})


@pytest.mark.parametrize("name", ["mfa_view_recovery_codes", "mfa_download_recovery_codes"])
def test_codes_that_there_are_none_of_are_not(client, ana, name):
    client.force_login(ana)
    assert client.get(reverse(name)).status_code == 404
    assert not AuditEvent.objects.filter(action=Action.TWO_FACTOR_CHANGED).exists()
