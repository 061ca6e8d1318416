"""Account changes are sent to the user by e-mail and audited."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import Group, User
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client
from django.urls import NoReverseMatch, reverse

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
    """The sentence about the change in each notice sent to the address."""
    mails = [
        mail for mail in sent_mails() if mail.to == [address] and "was changed" in mail.subject
    ]
    return [str(mail.body).split("\n\n")[1].strip() for mail in mails]


def change_in_django_admin(client: Client, user: User, **fields: Any) -> Any:
    """Submit the form with its current values and the given changes."""
    page = reverse("admin:auth_user_change", args=[user.pk])
    form = client.get(page).context["adminform"].form
    names = ("username", "email", "is_active", "is_staff", "is_superuser", "groups")
    values = {name: form[name].value() or "" for name in names} | fields
    values |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    return client.post(page, {name: value for name, value in values.items() if value})


@pytest.fixture
def root(admin_client: Client) -> Client:
    return admin_client


def test_password_change_sends_a_notice(client, ana):
    sign_in(client)
    client.post(reverse("account_change_password"), NEW_PASSWORD)
    assert told() == ["Your password was changed."]


def test_notice_contains_time_ip_browser_and_reset_link(client, ana, settings):
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


def test_password_reset_sends_a_notice(client, ana):
    client.post(reverse("account_reset_password"), {"email": "ana@example.com"})
    link = next(part for part in str(sent_mails()[0].body).split() if "/key/" in part)
    page = client.get("/account" + link.partition("/account")[2], follow=True)
    chosen = {"password1": "another-long-1", "password2": "another-long-1"}
    client.post(page.redirect_chain[-1][0], chosen)
    assert told() == ["Your password was changed."]


def test_password_change_on_the_command_line_sends_a_notice(ana, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda **_: NEW_PASSWORD["password1"])
    call_command("changepassword", "ana", verbosity=0)
    assert told() == ["Your password was changed."]


def test_added_second_factor_and_recovery_codes_send_notices(
    client, ana, django_capture_on_commit_callbacks
):
    sign_in(client)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert set(told()) == {
        "A second factor was added to your account.",
        "Your account has new recovery codes.",
    }


def test_removed_second_factor_sends_a_notice(client, ana, django_capture_on_commit_callbacks):
    client.force_login(ana)
    enrol(ana)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert "A second factor was removed from your account." in told()


def test_new_recovery_codes_send_a_notice(client, ana, django_capture_on_commit_callbacks):
    client.force_login(ana)
    enrol(ana)
    RecoveryCodes.activate(ana)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_generate_recovery_codes"))
    assert told() == ["Your account has new recovery codes."]


def test_two_factor_reset_by_an_admin_sends_a_notice_with_the_admins_name(boss_client, ana):
    enrol(ana)
    boss_client.post(reverse("dashboard:person-two-factor-reset", args=[ana.pk]))
    assert told() == ["All second factors were removed from your account."]
    assert "By: boss\n" in str(sent_mails()[0].body)


def test_created_api_key_sends_a_notice(boss_client):
    new = {"name": "CRM", "scope": "role", "role": "support", "days": "365"}
    boss_client.post(reverse("dashboard:api-key-add"), new)
    assert told("boss@example.com") == ["Your account created an API key."]
    assert "sb_" not in str(sent_mails()[0].body)


def test_role_change_sends_a_notice(boss_client, ana):
    boss_client.post(reverse("dashboard:person", args=[ana.pk]), {"role": "Supervisor"})
    assert told() == ["Your role or access was changed."]


@pytest.mark.parametrize(
    ("active", "words"),
    [("off", "Your account was deactivated."), ("on", "Your account was reactivated.")],
)
def test_deactivation_and_reactivation_send_a_notice(boss_client, ana, active, words):
    boss_client.post(reverse("dashboard:person-activity", args=[ana.pk]), {"active": active})
    assert told() == [words]


def test_email_change_sends_notices_to_both_addresses(root, ana):
    change_in_django_admin(root, ana, email="new@example.com")
    words = ["The e-mail address of your account was changed."]
    assert (told("ana@example.com"), told("new@example.com")) == (words, words)


def test_email_change_ends_all_sessions(root, ana, client):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    change_in_django_admin(root, ana, email="new@example.com")
    assert not is_signed_in(elsewhere)


def test_email_change_by_the_user_keeps_the_current_session(root, admin_user):
    elsewhere = HttpsClient()
    sign_in(elsewhere, "admin", "password")
    change_in_django_admin(root, admin_user, email="new@example.com")
    assert is_signed_in(root)
    assert not is_signed_in(elsewhere)


def test_email_change_invalidates_links_sent_to_the_old_address(root, ana, client):
    client.post(reverse("account_reset_password"), {"email": "ana@example.com"})
    link = next(part for part in str(sent_mails()[0].body).split() if "/key/" in part)
    token = invitation_tokens.make_token(ana)
    change_in_django_admin(root, ana, email="new@example.com")
    page = client.get("/account" + link.partition("/account")[2], follow=True)
    assert "not valid" in page.text
    assert not invitation_tokens.check_token(User.objects.get(pk=ana.pk), token)


def test_email_change_is_audited(root, ana):
    change_in_django_admin(root, ana, email="new@example.com")
    event = AuditEvent.objects.get(action=Action.USER_CHANGED)
    assert event.actor_name == "admin"
    assert "Email address" in event.details["fields"]


def test_role_change_in_django_admin_sends_a_notice(root, ana):
    change_in_django_admin(root, ana, groups=[Group.objects.get(name="Admin").pk])
    assert told() == ["Your role or access was changed."]


def test_deactivation_in_django_admin_sends_a_notice_and_ends_sessions(root, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    change_in_django_admin(root, ana, is_active="")
    assert told() == ["Your account was deactivated."]
    User.objects.filter(pk=ana.pk).update(is_active=True)
    assert not is_signed_in(elsewhere)


def test_user_name_change_sends_no_notice(root, ana):
    change_in_django_admin(root, ana, username="anna")
    assert User.objects.get(pk=ana.pk).username == "anna"
    assert not told()


def test_user_without_an_email_address_gets_no_notice(boss_client, ana):
    User.objects.filter(pk=ana.pk).update(email="")
    boss_client.post(reverse("dashboard:person", args=[ana.pk]), {"role": "Supervisor"})
    assert sent_mails() == []


def test_notice_is_in_the_default_language_not_the_admins(boss_client, ana):
    page = reverse("dashboard:person", args=[ana.pk])
    boss_client.post(page, {"role": "Supervisor"}, headers={"accept-language": "pt-br"})
    (mail,) = sent_mails()
    assert isinstance(mail, EmailMessage)
    assert "Hello ana," in str(mail.body)


def test_ending_all_other_sessions_is_audited_with_their_number(client, ana):
    for browser in (HttpsClient(), HttpsClient(), client):
        sign_in(browser)
    client.post(reverse("usersessions_list"))
    event = AuditEvent.objects.get(action=Action.SIGNED_OUT)
    assert (event.actor_name, event.details) == ("ana", {"elsewhere": 2})


def test_ending_no_sessions_is_not_audited(client, ana):
    sign_in(client)
    client.post(reverse("usersessions_list"))
    assert not AuditEvent.objects.filter(action=Action.SIGNED_OUT).exists()


def test_django_admin_does_not_register_allauth_email_addresses():
    with pytest.raises(NoReverseMatch):
        reverse("admin:account_emailaddress_changelist")


def test_failed_reauthentication_is_audited(client, ana):
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    event = AuditEvent.objects.get(action=Action.SIGN_IN_FAILED)
    assert event.details == {"user": "ana", "step": "password asked again"}


@pytest.mark.parametrize("name", ["mfa_view_recovery_codes", "mfa_download_recovery_codes"])
def test_viewing_recovery_codes_is_audited(client, ana, name):
    client.force_login(ana)
    enrol(ana)
    RecoveryCodes.activate(ana)
    client.get(reverse(name))
    event = AuditEvent.objects.get(action=Action.TWO_FACTOR_CHANGED)
    assert (event.actor_name, event.details) == ("ana", {"shown": "recovery_codes"})


@pytest.mark.parametrize("name", ["mfa_view_recovery_codes", "mfa_download_recovery_codes"])
def test_viewing_missing_recovery_codes_is_404_and_not_audited(client, ana, name):
    client.force_login(ana)
    assert client.get(reverse(name)).status_code == 404
    assert not AuditEvent.objects.filter(action=Action.TWO_FACTOR_CHANGED).exists()
