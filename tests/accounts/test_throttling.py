"""Limits on guessing passwords and codes.

Clients cannot bypass them, and the owner can still sign in.
"""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from messages.accounts import sign_in_limits
from messages.models import Action, AuditEvent, Throttle
from tests.accounts.test_people import link_in
from tests.mails import sent_mails
from tests.plugins.accounts import PASSWORD, code, enrol, is_signed_in, sign_in
from tests.plugins.pages import HttpsClient

NEW = "another-long-password"
WRONG = "wrong"


def guess(name: str = "ana", password: str = WRONG, browser: Any = None, **extra: Any) -> Any:
    """Try a password, in a new browser by default."""
    form = {"login": name, "password": password}
    return (browser or HttpsClient()).post("/account/login/", form, **extra)


def from_network(number: int) -> dict[str, str]:
    return {"REMOTE_ADDR": f"203.0.{number // 250}.{number % 250 + 1}"}


def exhaust(name: str = "ana") -> None:
    """Guess from many networks until the account's limit is reached."""
    for number in range(100, 112):
        guess(name, **from_network(number))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed, to check them or only to take the same time."""
    seen: list[str] = []
    encode = MD5PasswordHasher.encode

    def watched(self: Any, password: str, salt: str) -> str:
        seen.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", watched)
    return seen


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Freeze the clock.

    Call it to move the clock to a number of seconds after the start of the test.
    """
    start = time.time()

    def move(seconds: float) -> None:
        now = start + seconds
        monkeypatch.setattr("time.time", lambda: now)

    move(0)
    return move


SPELLINGS = [
    *("ana", "ANA", "aNa", " ana ", "\N{FULLWIDTH LATIN SMALL LETTER A}na"),
    *("ana@example.com", "Ana@Example.com", "ANA@EXAMPLE.COM "),
]


@pytest.mark.parametrize(
    "vary",
    [
        pytest.param(lambda number: {"HTTP_HOST": f"h{number}.example.com"}, id="host"),
        pytest.param(lambda number: {"HTTP_X_FORWARDED_FOR": f"198.51.100.{number}"}, id="xff"),
        pytest.param(lambda number: {"HTTP_USER_AGENT": f"agent {number}"}, id="agent"),
        pytest.param(lambda number: {"REMOTE_ADDR": f"2001:db8::{number + 1:x}"}, id="ipv6"),
        pytest.param(lambda number: {"HTTP_COOKIE": f"known_device={number}"}, id="cookie"),
    ],
)
def test_sixty_guesses_from_one_client_check_five_passwords(client, ana, settings, hashed, vary):
    settings.ALLOWED_HOSTS = ["*"]
    statuses = [guess(password=f"guess {n}", **vary(n)).status_code for n in range(60)]
    assert statuses == [200] * 5 + [429] * 55
    assert len(hashed) == 5


def test_sixty_guesses_from_sixty_networks_check_ten_passwords(ana, hashed):
    statuses = [guess(**from_network(number)).status_code for number in range(60)]
    assert statuses == [200] * 10 + [429] * 50
    assert len(hashed) == 10


def test_spellings_of_a_name_share_one_limit(ana):
    for number in range(60):
        guess(SPELLINGS[number % len(SPELLINGS)], **from_network(number))
    for name in SPELLINGS:
        browser = HttpsClient()
        guess(name, PASSWORD, browser, **from_network(99))
        assert not is_signed_in(browser), name


def test_client_guessing_both_names_of_an_account_does_not_lock_it(ana, client):
    for number in range(60):
        guess(("ana", "ana@example.com")[number % 2])
    guess(password=PASSWORD, browser=client, **from_network(1))
    assert is_signed_in(client)


def test_client_guessing_many_names_is_refused(ana, hashed):
    statuses = [guess(f"name{number}").status_code for number in range(60)]
    assert statuses == [200] * 20 + [429] * 40
    assert len(hashed) == 20


def test_clients_behind_a_trusted_proxy_have_separate_limits(ana, settings, client):
    settings.WEBHOOK_TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    for _ in range(60):
        guess(HTTP_X_FORWARDED_FOR="198.51.100.1")
    guess(password=PASSWORD, browser=client, HTTP_X_FORWARDED_FOR="198.51.100.2")
    assert is_signed_in(client)


@pytest.mark.parametrize("name", ["ana", "nobody", "nobody@example.com", "ana@example.com"])
def test_refusal_is_the_same_for_every_name(ana, name):
    answers = [guess(name) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1]["Retry-After"] == "600"
    assert "Try again in 10 minutes." in answers[-1].text


def test_refusal_does_not_reveal_names_of_the_same_account(ana):
    exhaust("ana")
    statuses = {guess("ana@example.com", **from_network(number)).status_code for number in range(9)}
    assert statuses == {200}


@pytest.mark.parametrize(
    "name", ["ana", "ana@example.com", "nobody", "nobody@example.com", "both@example.com", "off"]
)
def test_wrong_password_hashes_once_for_every_kind_of_name(ana, new_person, hashed, name):
    User.objects.create_user("both@example.com", "both@example.com", PASSWORD)
    EmailAddress.objects.create(user=ana, email="ana@example.com", verified=True, primary=True)
    new_person("off", is_active=False)
    hashed.clear()
    guess(name)
    assert len(hashed) == 1


def test_owner_signs_in_while_another_client_guesses(client, ana):
    for _ in range(60):
        guess()
    guess(password=PASSWORD, browser=client, **from_network(1))
    assert is_signed_in(client)


def test_owner_signs_in_while_another_client_guesses_slowly(client, ana, later):
    for minute in range(0, 600, 5):
        later(minute * 60)
        guess()
    guess(password=PASSWORD, browser=client, **from_network(1))
    assert is_signed_in(client)


def test_known_browser_signs_in_while_others_guess(client, ana):
    sign_in(client)
    client.post("/account/logout/")
    exhaust("ana")
    exhaust("ana@example.com")
    sign_in(client, "ana@example.com")
    assert is_signed_in(client)


def test_unknown_browser_must_wait_while_others_guess(client, ana, later):
    exhaust()
    assert guess(password=PASSWORD, browser=client).status_code == 429
    later(301)
    guess(password=PASSWORD, browser=client)
    assert is_signed_in(client)


def test_known_browser_has_its_own_limit(client, ana):
    sign_in(client)
    client.post("/account/logout/")
    statuses = [guess(browser=client).status_code for _ in range(30)]
    assert statuses == [200] * 10 + [429] * 20


def test_known_browser_is_known_for_one_user_only(client, ana, boss):
    sign_in(client)
    client.post("/account/logout/")
    exhaust("boss")
    assert guess("boss", PASSWORD, client).status_code == 429


def test_shared_browser_is_known_for_all_its_users(client, ana, boss):
    for name in ("ana", "boss"):
        sign_in(client, name)
        client.post("/account/logout/")
    exhaust("ana")
    exhaust("boss")
    for name in ("ana", "boss"):
        sign_in(client, name)
        assert is_signed_in(client)
        client.post("/account/logout/")


def test_password_without_second_factor_does_not_make_the_browser_known(client, ana):
    enrol(ana)
    sign_in(client)
    assert "known_device" not in "".join(client.cookies)


def test_password_change_makes_other_browsers_unknown(client, ana):
    elsewhere = HttpsClient()
    for browser in (elsewhere, client):
        sign_in(browser)
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    client.post(reverse("account_change_password"), form)
    exhaust()
    client.post("/account/logout/")
    assert guess(password=NEW, browser=elsewhere).status_code == 429
    sign_in(client, password=NEW)
    assert is_signed_in(client)


def choose_password(browser: Client, link: str, field: str) -> None:
    path = browser.get(link, follow=True).redirect_chain[-1][0]
    browser.post(path, {f"{field}1": NEW, f"{field}2": NEW})
    sign_in(browser, password=NEW)


def reset_link() -> str:
    [link] = re.findall(r"https://\S+/account/password/reset/key/\S+", str(sent_mails()[-1].body))
    return str(link)


def test_password_chosen_from_an_invitation_makes_the_browser_known(client, ana, boss_client):
    page = boss_client.post(reverse("dashboard:person-link", args=[ana.pk]))
    exhaust()
    choose_password(client, link_in(page.text), "new_password")
    assert is_signed_in(client)


def test_reset_links_do_not_give_more_attempts_at_codes(ana):
    enrol(ana)
    statuses = []
    for number in range(3):
        reader = HttpsClient()
        asked = {"email": ana.email}
        extra: dict[str, Any] = from_network(number)
        reader.post(reverse("account_reset_password"), asked, **extra)
        choose_password(reader, reset_link(), "password")
        statuses += wrong_codes(reader, 5)
    assert statuses == [200] * 10 + [429] * 5


def test_password_chosen_from_a_reset_link_makes_the_browser_known(client, ana):
    exhaust()
    client.post(reverse("account_reset_password"), {"email": ana.email})
    choose_password(client, reset_link(), "password")
    assert is_signed_in(client)


def test_successful_sign_in_does_not_reset_the_counters(client, ana, boss):
    statuses = []
    for number in range(60):
        statuses.append(guess("boss").status_code)
        if number % 4 == 0:
            guess("ana", PASSWORD)
    assert statuses == [200] * 5 + [429] * 55


def test_successful_sign_ins_are_not_counted(ana):
    for _ in range(40):
        browser = HttpsClient()
        guess(password=PASSWORD, browser=browser)
        assert is_signed_in(browser)


def test_clock_set_back_does_not_prolong_the_wait(client, ana, later):
    for _ in range(60):
        guess()
    later(-30 * 24 * 3600)
    guess(password=PASSWORD, browser=client)
    assert is_signed_in(client)


def test_old_counters_are_deleted(ana, later):
    guess()
    assert sign_in_limits.delete_old_attempts() == 0
    later(2 * 3600)
    sign_in_limits.delete_old_attempts()
    assert not Throttle.objects.exists()


def test_typed_name_is_not_stored_in_counters(ana):
    guess("a-password-in-the-wrong-field")
    assert not Throttle.objects.filter(key__contains="password").exists()


def test_refused_guesses_write_nothing_to_the_database(ana):
    for _ in range(6):
        guess()
    before = list(Throttle.objects.order_by("pk").values_list()), AuditEvent.objects.count()
    for _ in range(20):
        guess()
    assert before == (
        list(Throttle.objects.order_by("pk").values_list()),
        AuditEvent.objects.count(),
    )


def test_many_unknown_names_are_summed_up_in_the_audit_log(db, later):
    for number in range(60):
        guess(f"name{number}", **from_network(number))
    events = AuditEvent.objects.filter(action=Action.SIGN_IN_FAILED)
    assert events.count() == 10
    later(3600)
    guess("somebody-else", **from_network(99))
    newest = events.latest("pk")
    assert newest.details == {"user": "", "left out before": 50}


def wrong_codes(browser: Client, times: int = 30) -> list[int]:
    url = reverse("mfa_authenticate")
    return [browser.post(url, {"code": "000000"}).status_code for _ in range(times)]


def test_many_wrong_passwords_do_not_hide_a_wrong_code_in_the_audit_log(client, ana):
    enrol(ana)
    sign_in(client)
    exhaust()
    wrong_codes(client, 1)
    assert AuditEvent.objects.latest("pk").details == {"user": "ana", "step": "two-factor"}


def test_codes_are_limited_by_account(client, ana):
    enrol(ana)
    statuses = []
    for number in range(6):
        browser = HttpsClient()
        guess(password=PASSWORD, browser=browser, **from_network(number))
        statuses += wrong_codes(browser, 5)
    assert statuses == [200] * 10 + [429] * 20


def test_known_browser_can_enter_its_code_while_others_guess_codes(client, ana):
    enrol(ana)
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    client.post("/account/logout/")
    thief = HttpsClient()
    sign_in(thief)
    wrong_codes(thief)
    cache.clear()  # allauth stores used codes in the cache
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert is_signed_in(client)


ASKED_AGAIN = [
    ("account_reauthenticate", "password", {}),
    ("account_change_password", "oldpassword", {"password1": NEW, "password2": NEW}),
]


@pytest.mark.parametrize(("page", "field", "more"), ASKED_AGAIN)
def test_password_attempts_at_reauthentication_are_limited_and_audited(
    client, ana, page, field, more
):
    client.force_login(ana)
    statuses = [client.post(reverse(page), {field: "wrong"} | more).status_code for _ in range(30)]
    assert statuses == [200] * 10 + [429] * 20
    client.post(reverse(page), {field: PASSWORD} | more)
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)
    failures = AuditEvent.objects.filter(action=Action.SIGN_IN_FAILED)
    assert {event.details["step"] for event in failures} == {"password asked again"}


@pytest.mark.parametrize(("page", "field", "more"), ASKED_AGAIN)
def test_guesses_in_a_stolen_session_do_not_block_the_owners_session(
    client, ana, page, field, more
):
    thief = HttpsClient()
    thief.force_login(ana)
    client.force_login(ana)
    for _ in range(30):
        thief.post(reverse(page), {field: "wrong"} | more)
    assert client.post(reverse(page), {field: PASSWORD} | more).status_code == 302


def test_code_attempts_at_reauthentication_are_limited(client, ana):
    enrol(ana)
    client.force_login(ana)
    url = reverse("mfa_reauthenticate")
    statuses = [client.post(url, {"code": "000000"}).status_code for _ in range(30)]
    assert statuses == [200] * 10 + [429] * 20


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's test database is one")
@pytest.mark.django_db(transaction=True)
def test_simultaneous_guesses_are_all_counted(ana):
    def one(_number: int) -> int:
        try:
            return int(guess().status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(one, range(24)))
    assert statuses.count(200) == 5
