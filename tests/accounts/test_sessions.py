"""Session lifetime, redirects after sign-in, and browser caching of pages."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from messages.accounts.middleware import SEEN_AT, SIGNED_IN_AT
from messages.models import Action, AuditEvent
from tests.accounts.routes import OWN_ROUTES
from tests.accounts.test_people import CHOSEN, INVITE, NEW, link_in
from tests.forwarding.test_workers import on_postgresql
from tests.mails import sent_mails
from tests.plugins.accounts import PASSWORD, is_signed_in, sign_in
from tests.plugins.pages import HttpsClient

HOUR = 3600
ELSEWHERE = [
    "https://evil.example.com/",
    "//evil.example.com/",
    "///evil.example.com/",
    "/\\evil.example.com/",
    "\\\\evil.example.com/",
    "https:evil.example.com",
    "https://localhost/",
    "https://127.0.0.1/",
    "http://board.example.com/overview/",
    "https://board.example.com@evil.example.com/",
    "javascript:alert(1)",
    "/\t/evil.example.com/",
    "%2F%2Fevil.example.com/",
]


def signed_in(client: Client, hours_ago: float) -> None:
    """Move the sign-in into the past, but keep the time of the last request."""
    session = client.session
    session[SIGNED_IN_AT] = time.time() - hours_ago * HOUR
    session[SEEN_AT] = time.time()
    session.save()


def test_session_past_its_maximum_ends_although_in_use(client, ana, settings):
    settings.SESSION_MAX_HOURS = 24
    sign_in(client)
    signed_in(client, hours_ago=24.1)
    page = client.get("/", follow=True)
    assert "Your session expired." in page.content.decode()
    assert not is_signed_in(client)


def test_session_within_its_maximum_stays(client, ana, settings):
    settings.SESSION_MAX_HOURS = 24
    sign_in(client)
    signed_in(client, hours_ago=23.9)
    assert is_signed_in(client)


def test_session_without_a_maximum_stays(client, ana, settings):
    settings.SESSION_MAX_HOURS = 0
    sign_in(client)
    signed_in(client, hours_ago=10_000)
    assert is_signed_in(client)


def test_session_start_in_the_future_is_reset_to_now(client, ana, settings):
    settings.SESSION_MAX_HOURS = 24
    sign_in(client)
    signed_in(client, hours_ago=-1000)
    assert is_signed_in(client)
    assert client.session[SIGNED_IN_AT] <= time.time()


def test_session_without_a_start_time_gets_one(client, ana):
    sign_in(client)
    session = client.session
    del session[SIGNED_IN_AT]
    session.save()
    assert is_signed_in(client)
    assert client.session[SIGNED_IN_AT] <= time.time()


def test_new_sign_in_begins_a_new_session(client, ana):
    sign_in(client)
    signed_in(client, hours_ago=100)
    client.post(reverse("account_logout"))
    sign_in(client)
    assert client.session[SIGNED_IN_AT] > time.time() - 60


@pytest.mark.parametrize("url", ELSEWHERE)
def test_sign_in_with_next_elsewhere_stays_on_the_site(client, ana, url):
    answer = client.post(
        f"{reverse('account_login')}", {"login": "ana", "password": PASSWORD, "next": url}
    )
    assert answer.status_code == 302
    assert answer.url == reverse("dashboard:messages")


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize(
    "name", ["account_logout", "dashboard:preferences", "dashboard:set_language"]
)
def test_redirect_with_next_elsewhere_stays_on_the_site(client, ana, url, name):
    sign_in(client)
    answer = client.post(reverse(name), {"next": url, "language": "en"})
    assert answer.status_code == 302
    assert answer.url.startswith("/") or answer.url.startswith("%2F")
    assert "evil" not in answer.url.partition("%2F")[0]


def test_sign_in_with_next_on_the_site_redirects_there(client, ana):
    answer = sign_in(client, next="/overview/?days=7")
    assert answer.url == "/overview/?days=7"


def test_every_page_forbids_browser_caching(admin_client):
    """Static files, health checks and the webhook are answered outside of Django's middleware."""
    outside = ("monitoring:", "webhooks:")
    kept = [
        route.name
        for route in OWN_ROUTES
        if not route.name.startswith(outside) and route.name != "account_logout"
        if "no-store" not in admin_client.get(route.path()).headers.get("Cache-Control", "")
    ]
    assert kept == []


@pytest.mark.parametrize("name", ["account_login", "account_reset_password"])
def test_pages_before_sign_in_forbid_browser_caching(client, db, name):
    assert "no-store" in client.get(reverse(name)).headers["Cache-Control"]


def at_once(*calls: Callable[[], Any]) -> None:
    """Start all of them at the same moment, and wait for them."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> None:
        from django.db import connections  # noqa: PLC0415  (each thread closes its own)

        barrier.wait()
        try:
            call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@on_postgresql
@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Two requests at the same moment.

    Only on PostgreSQL: on SQLite, one write waits for the other.
    """

    @pytest.fixture(autouse=True)
    def _slow_passwords(self, settings: Any) -> None:
        # A slow hasher keeps the time between checking a link and using it realistic.
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]

    def test_invitation_accepted_twice_at_once_is_accepted_once(self, boss_client):
        link = link_in(boss_client.post(INVITE, NEW).text)
        browsers = [HttpsClient(), HttpsClient()]
        paths = [browser.get(link, follow=True).redirect_chain[-1][0] for browser in browsers]
        answers: list[Any] = []
        at_once(
            *(
                lambda browser=browser, path=path: answers.append(browser.post(path, CHOSEN))
                for browser, path in zip(browsers, paths, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [302, 302]
        accepted = AuditEvent.objects.filter(action=Action.USER_CHANGED)
        assert accepted.count() == 1
        pages = [
            browser.get(answer.url).content.decode()
            for browser, answer in zip(browsers, answers, strict=True)
        ]
        assert any("This link is not valid" in page for page in pages)

    def test_reset_link_used_twice_at_once_works_once(self, ana):
        HttpsClient().post(reverse("account_reset_password"), {"email": "ana@example.com"})
        body = str(sent_mails()[-1].body)
        link = body[body.index("/account/password/reset/key/") :].split(maxsplit=1)[0]
        browsers = [HttpsClient(), HttpsClient()]
        paths = [browser.get(link, follow=True).redirect_chain[-1][0] for browser in browsers]
        chosen = ["a-first-long-one", "a-second-long-one"]
        at_once(
            *(
                lambda browser=browser, path=path, word=word: browser.post(
                    path, {"password1": word, "password2": word}
                )
                for browser, path, word in zip(browsers, paths, chosen, strict=True)
            )
        )
        assert AuditEvent.objects.filter(details__password="new").count() == 1

    def test_invite_form_sent_twice_at_once_invites_one_person(self, boss_client, boss):
        other = HttpsClient()
        other.force_login(boss)
        answers: list[Any] = []
        at_once(
            *(
                lambda browser=browser: answers.append(browser.post(INVITE, NEW))
                for browser in (boss_client, other)
            )
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        assert User.objects.filter(username="bia").count() == 1
        assert any("This user name is already taken." in answer.text for answer in answers)
