"""Sign-in and sign-out with one or two factors, and their audit events."""

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings as the_settings
from django.urls import reverse

from messages.accounts.middleware import SEEN_AT
from messages.models import Action, AuditEvent
from tests.plugins.accounts import PASSWORD, code, enrol, is_signed_in, sign_in
from tests.plugins.pages import HttpsClient


def written_down(*actions: Action) -> list[tuple[str, str, dict[str, Any]]]:
    events = AuditEvent.objects.filter(action__in=actions).order_by("id")
    return list(events.values_list("action", "actor_name", "details"))


def test_correct_password_signs_in(client, ana):
    assert sign_in(client).status_code == 302
    assert is_signed_in(client)


def test_email_address_and_password_sign_in(client, ana):
    sign_in(client, "ana@example.com")
    assert is_signed_in(client)


def test_reset_page_labels_its_field_e_mail(client):
    page = client.get(reverse("account_reset_password")).content.decode()
    assert ">E-mail</label>" in page
    assert "placeholder" not in page


def test_reset_page_of_a_signed_in_user_links_back_to_the_password_page(client, ana):
    assert "Back to sign in" in client.get(reverse("account_reset_password")).content.decode()
    sign_in(client)
    page = client.get(reverse("account_reset_password")).content.decode()
    assert "Back to password" in page
    assert "Back to sign in" not in page


def test_sign_in_is_audited(client, ana):
    sign_in(client)
    assert written_down(Action.SIGNED_IN) == [
        ("signed in", "ana", {"by": ["password"], "browser": "Unknown browser"})
    ]


def test_audited_sign_in_contains_the_ip(client, ana):
    sign_in(client)
    assert AuditEvent.objects.get().address == "127.0.0.1"


def test_failed_sign_in_is_audited_without_the_password(client, ana):
    sign_in(client, password="s3cret-typo")
    assert written_down(Action.SIGN_IN_FAILED) == [("sign-in failed", "", {"user": "ana"})]


def test_failed_sign_in_of_unknown_user_is_audited_without_the_name(client, ana):
    sign_in(client, "a-password-in-the-wrong-field")
    assert written_down(Action.SIGN_IN_FAILED) == [("sign-in failed", "", {"user": ""})]


def test_sign_out_is_audited(client, ana):
    sign_in(client)
    client.post("/account/logout/")
    assert written_down(Action.SIGNED_OUT) == [("signed out", "ana", {})]


def test_sign_in_after_five_wrong_passwords_is_refused(client, ana):
    for _ in range(5):
        sign_in(client, password="wrong")
    sign_in(client)
    assert not is_signed_in(client)


def test_deactivated_user_is_signed_out_at_once(client, ana):
    sign_in(client)
    ana.is_active = False
    ana.save()
    assert not is_signed_in(client)


def test_sign_in_with_two_factors_asks_for_a_code(client, ana):
    enrol(ana)
    assert sign_in(client).url == reverse("mfa_authenticate")
    assert not is_signed_in(client)


def test_authenticator_code_signs_in(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert is_signed_in(client)
    assert written_down(Action.SIGNED_IN) == [
        ("signed in", "ana", {"by": ["password", "totp"], "browser": "Unknown browser"})
    ]


def test_wrong_code_does_not_sign_in_and_is_audited(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert not is_signed_in(client)
    failed = ("sign-in failed", "", {"user": "ana", "step": "two-factor"})
    assert written_down(Action.SIGN_IN_FAILED) == [failed]


def test_authenticator_code_works_once(client, ana):
    enrol(ana)
    shown = code()
    for browser in (client, HttpsClient()):
        sign_in(browser)
        browser.post(reverse("mfa_authenticate"), {"code": shown})
    assert is_signed_in(client)
    assert not is_signed_in(browser)


def test_recovery_code_signs_in(client, ana):
    enrol(ana)
    codes = RecoveryCodes.activate(ana).generate_codes()
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert is_signed_in(client)


def test_authenticator_app_is_set_up_with_its_code(client, ana, django_capture_on_commit_callbacks):
    sign_in(client)
    page = client.get(reverse("mfa_activate_totp"))
    assert 'src="data:image/svg+xml' in page.text
    secret = page.context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert Authenticator.objects.filter(user=ana, type=Authenticator.Type.TOTP).exists()
    changes = [details for *_, details in written_down(Action.TWO_FACTOR_CHANGED)]
    assert changes == [{"added": "totp"}, {"added": "recovery_codes"}]


@pytest.mark.parametrize(
    "part",
    [
        "/instances/1/steps/",
        "/instances/batches/1/progress/",
        "/live/sealed/",
        "/attention/banner/",
    ],
)
def test_htmx_request_without_a_session_reloads_the_page(client, db, part):
    answer = client.get(part, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Refresh"] == "true"


def test_inactive_user_is_signed_out(client, ana):
    sign_in(client)
    session = client.session
    session[SEEN_AT] = time.time() - the_settings.SESSION_IDLE_MINUTES * 60 - 1
    session.save()
    assert not is_signed_in(client)
    assert [action for action, *_ in written_down(Action.SIGNED_OUT)] == ["signed out"]


def test_active_user_stays_signed_in(client, ana):
    sign_in(client)
    session = client.session
    session[SEEN_AT] = time.time() - the_settings.SESSION_IDLE_MINUTES * 60 + 60
    session.save()
    assert is_signed_in(client)
    assert client.session[SEEN_AT] > time.time() - 10


def test_background_request_does_not_extend_the_session(client, ana):
    sign_in(client)
    session = client.session
    session[SEEN_AT] = seen_at = time.time() - 600
    session.save()
    client.get("/", headers={"sec-fetch-mode": "cors"})
    assert client.session[SEEN_AT] == seen_at


def test_inactive_user_without_a_timeout_stays_signed_in(client, ana, settings):
    settings.SESSION_IDLE_MINUTES = 0
    sign_in(client)
    session = client.session
    session[SEEN_AT] = 1.0
    session.save()
    assert is_signed_in(client)


def test_recovery_codes_are_mentioned_before_a_second_factor_is_set_up(client, ana):
    sign_in(client)
    page = client.get(reverse("mfa_index")).text
    assert "Recovery codes" in page
    assert "You get them as soon as you have set up an app or a passkey." in page
    assert reverse("mfa_generate_recovery_codes") not in page


@pytest.fixture
def _compulsory(settings: Any) -> None:
    settings.TWO_FACTOR_REQUIRED = True


@pytest.mark.usefixtures("_compulsory")
def test_required_second_factor_redirects_every_page_to_its_setup(client, ana):
    sign_in(client)
    answer = client.get("/")
    assert (answer.status_code, answer.url) == (302, f"{reverse('mfa_index')}?needed=1")
    assert "Set it up to continue" in client.get(answer.url).text


@pytest.mark.usefixtures("_compulsory")
def test_required_second_factor_applies_to_django_admin(admin_client):
    assert admin_client.get("/admin/").url.startswith(reverse("mfa_index"))


@pytest.mark.usefixtures("_compulsory")
def test_user_with_required_second_factor_signs_in(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert is_signed_in(client)


@pytest.mark.usefixtures("_compulsory")
def test_last_required_second_factor_cannot_be_removed(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=ana).exists()


def test_django_admin_uses_the_sign_in_page_of_the_site(client):
    assert client.get("/admin/login/").url.startswith(reverse("account_login"))


def test_single_session_can_be_ended_from_the_list(client, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    sign_in(client)
    page = client.get(reverse("usersessions_list"))
    mine = client.session.session_key
    other = next(s for s in page.context["sessions"] if s.session_key != mine)
    client.post(reverse("dashboard:session-end", args=[other.pk]))
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)


def test_only_session_says_where_other_devices_would_appear(client, ana):
    sign_in(client)
    page = client.get(reverse("usersessions_list")).content.decode()
    assert "You are signed in on no other device." in page


def test_all_other_sessions_can_be_ended_together(client, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    sign_in(client)
    client.post(reverse("usersessions_list"))
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)


def test_session_of_another_user_is_not_found(client, ana, boss):
    sign_in(client, "boss")
    theirs = client.get(reverse("usersessions_list")).context["sessions"][0]
    stranger = HttpsClient()
    sign_in(stranger)
    answer = stranger.post(reverse("dashboard:session-end", args=[theirs.pk]))
    assert answer.status_code == 404
    assert is_signed_in(client)


def test_user_without_a_password_is_redirected_to_the_reset(client, ana):
    client.force_login(ana)
    ana.set_unusable_password()
    ana.save()
    client.force_login(ana)
    answer = client.get(reverse("account_change_password"))
    assert (answer.status_code, answer.url) == (302, reverse("account_reset_password"))


def test_password_change_ends_the_other_sessions(client, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    sign_in(client)
    new = {"oldpassword": PASSWORD, "password1": "another-long-1", "password2": "another-long-1"}
    client.post(reverse("account_change_password"), new)
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)
