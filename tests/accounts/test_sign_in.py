"""In and out, with one factor and with two, and what is written down about it."""

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


def test_a_password_lets_in(client, ana):
    assert sign_in(client).status_code == 302
    assert is_signed_in(client)


def test_an_e_mail_address_lets_in_as_well(client, ana):
    sign_in(client, "ana@example.com")
    assert is_signed_in(client)


def test_the_reset_page_asks_for_an_e_mail_as_all_pages_write_it(client):
    page = client.get(reverse("account_reset_password")).content.decode()
    assert ">E-mail</label>" in page
    assert "placeholder" not in page


def test_who_is_signed_in_goes_back_from_the_reset_to_changing_the_password(client, ana):
    assert "Back to sign in" in client.get(reverse("account_reset_password")).content.decode()
    sign_in(client)
    page = client.get(reverse("account_reset_password")).content.decode()
    assert "Back to password" in page
    assert "Back to sign in" not in page


def test_a_sign_in_is_written_down(client, ana):
    sign_in(client)
    assert written_down(Action.SIGNED_IN) == [
        ("signed in", "ana", {"by": ["password"], "browser": "Unknown browser"})
    ]


def test_the_callers_address_is_written_down(client, ana):
    sign_in(client)
    assert AuditEvent.objects.get().address == "127.0.0.1"


def test_a_failed_sign_in_is_written_down_with_the_name_alone(client, ana):
    sign_in(client, password="s3cret-typo")
    assert written_down(Action.SIGN_IN_FAILED) == [("sign-in failed", "", {"user": "ana"})]


def test_a_name_that_nobody_has_is_not_kept(client, ana):
    sign_in(client, "a-password-in-the-wrong-field")
    assert written_down(Action.SIGN_IN_FAILED) == [("sign-in failed", "", {"user": ""})]


def test_a_sign_out_is_written_down(client, ana):
    sign_in(client)
    client.post("/account/logout/")
    assert written_down(Action.SIGNED_OUT) == [("signed out", "ana", {})]


def test_guessing_is_told_to_wait(client, ana):
    for _ in range(5):
        sign_in(client, password="wrong")
    sign_in(client)
    assert not is_signed_in(client)


def test_who_is_switched_off_is_out_at_once(client, ana):
    sign_in(client)
    ana.is_active = False
    ana.save()
    assert not is_signed_in(client)


def test_a_second_factor_is_asked_for(client, ana):
    enrol(ana)
    assert sign_in(client).url == reverse("mfa_authenticate")
    assert not is_signed_in(client)


def test_the_apps_code_lets_in(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert is_signed_in(client)
    assert written_down(Action.SIGNED_IN) == [
        ("signed in", "ana", {"by": ["password", "totp"], "browser": "Unknown browser"})
    ]


def test_a_wrong_code_is_written_down_and_lets_nobody_in(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert not is_signed_in(client)
    failed = ("sign-in failed", "", {"user": "ana", "step": "two-factor"})
    assert written_down(Action.SIGN_IN_FAILED) == [failed]


def test_a_code_works_once(client, ana):
    enrol(ana)
    shown = code()
    for browser in (client, HttpsClient()):
        sign_in(browser)
        browser.post(reverse("mfa_authenticate"), {"code": shown})
    assert is_signed_in(client)
    assert not is_signed_in(browser)


def test_a_recovery_code_lets_in(client, ana):
    enrol(ana)
    codes = RecoveryCodes.activate(ana).generate_codes()
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert is_signed_in(client)


def test_an_app_is_set_up_by_its_code(client, ana, django_capture_on_commit_callbacks):
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
def test_a_part_of_a_page_left_open_is_no_place_for_the_sign_in(client, db, part):
    answer = client.get(part, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Refresh"] == "true"


def test_who_does_nothing_for_long_is_signed_out(client, ana):
    sign_in(client)
    session = client.session
    session[SEEN_AT] = time.time() - the_settings.SESSION_IDLE_MINUTES * 60 - 1
    session.save()
    assert not is_signed_in(client)
    assert [action for action, *_ in written_down(Action.SIGNED_OUT)] == ["signed out"]


def test_who_does_something_stays(client, ana):
    sign_in(client)
    session = client.session
    session[SEEN_AT] = time.time() - the_settings.SESSION_IDLE_MINUTES * 60 + 60
    session.save()
    assert is_signed_in(client)
    assert client.session[SEEN_AT] > time.time() - 10


def test_a_page_that_asks_for_news_by_itself_keeps_nobody_signed_in(client, ana):
    sign_in(client)
    session = client.session
    session[SEEN_AT] = seen_at = time.time() - 600
    session.save()
    client.get("/", headers={"sec-fetch-mode": "cors"})
    assert client.session[SEEN_AT] == seen_at


def test_without_a_time_out_nobody_is_signed_out(client, ana, settings):
    settings.SESSION_IDLE_MINUTES = 0
    sign_in(client)
    session = client.session
    session[SEEN_AT] = 1.0
    session.save()
    assert is_signed_in(client)


@pytest.fixture
def _compulsory(settings: Any) -> None:
    settings.TWO_FACTOR_REQUIRED = True


@pytest.mark.usefixtures("_compulsory")
def test_where_two_factors_are_compulsory_nothing_else_opens(client, ana):
    sign_in(client)
    answer = client.get("/")
    assert (answer.status_code, answer.url) == (302, f"{reverse('mfa_index')}?needed=1")
    assert "Set it up to continue" in client.get(answer.url).text


@pytest.mark.usefixtures("_compulsory")
def test_django_admin_asks_for_the_second_factor_too(admin_client):
    assert admin_client.get("/admin/").url.startswith(reverse("mfa_index"))


@pytest.mark.usefixtures("_compulsory")
def test_where_two_factors_are_compulsory_who_has_them_goes_on(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert is_signed_in(client)


@pytest.mark.usefixtures("_compulsory")
def test_the_last_compulsory_factor_cannot_be_removed(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=ana).exists()


def test_django_admin_has_no_door_of_its_own(client):
    assert client.get("/admin/login/").url.startswith(reverse("account_login"))


def test_sessions_are_listed_and_ended_one_by_one(client, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    sign_in(client)
    page = client.get(reverse("usersessions_list"))
    mine = client.session.session_key
    other = next(s for s in page.context["sessions"] if s.session_key != mine)
    client.post(reverse("dashboard:session-end", args=[other.pk]))
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)


def test_all_other_sessions_are_ended_at_once(client, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    sign_in(client)
    client.post(reverse("usersessions_list"))
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)


def test_somebody_elses_session_is_not_there(client, ana, boss):
    sign_in(client, "boss")
    theirs = client.get(reverse("usersessions_list")).context["sessions"][0]
    stranger = HttpsClient()
    sign_in(stranger)
    answer = stranger.post(reverse("dashboard:session-end", args=[theirs.pk]))
    assert answer.status_code == 404
    assert is_signed_in(client)


def test_who_has_no_password_is_led_to_the_reset_and_sets_none_by_the_session(client, ana):
    client.force_login(ana)
    ana.set_unusable_password()
    ana.save()
    client.force_login(ana)
    answer = client.get(reverse("account_change_password"))
    assert (answer.status_code, answer.url) == (302, reverse("account_reset_password"))


def test_a_new_password_ends_the_other_sessions(client, ana):
    elsewhere = HttpsClient()
    sign_in(elsewhere)
    sign_in(client)
    new = {"oldpassword": PASSWORD, "password1": "another-long-1", "password2": "another-long-1"}
    client.post(reverse("account_change_password"), new)
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)
