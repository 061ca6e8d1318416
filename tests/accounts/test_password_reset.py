"""Password reset: every address gets the same response, only existing accounts get an e-mail."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messages.models import Action, AuditEvent, PasswordResetRequest, Throttle
from tests.mails import sent_mails
from tests.plugins.accounts import enrol, is_signed_in, sign_in
from tests.plugins.pages import HttpsClient

RESET = "/account/password/reset/"
KINDS = ["nobody", "ana", "inactive", "two-factor", "invited", "ANA"]


@pytest.fixture
def people(new_person) -> None:
    new_person("ana")
    new_person("inactive", is_active=False)
    enrol(new_person("two-factor"))
    invited = new_person("invited")
    invited.set_unusable_password()
    invited.save()


def ask(address: str, client: Client | None = None, **headers: str) -> Any:
    return (client or HttpsClient()).post(RESET, {"email": address}, headers=headers)


def told(answer: Any) -> tuple[Any, ...]:
    """Everything in a response that a client can compare, without random values."""
    cookies = {name: len(morsel.value) for name, morsel in answer.cookies.items()}
    headers = {name: value for name, value in answer.items() if name.lower() != "x-request-id"}
    return answer.status_code, headers, cookies, answer.content


def statements(address: str) -> list[str]:
    cache.clear()  # reset the limit per client before every request
    with CaptureQueriesContext(
        connection,
    ) as captured:
        ask(address)
    return [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in captured.captured_queries]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("kind", KINDS)
def test_reset_request_runs_the_same_queries_for_every_address(kind):
    expected = statements("somebody-else@example.com")
    assert statements(f"{kind}@example.com") == expected


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("kind", KINDS)
def test_reset_request_gives_the_same_answer_for_every_address(kind):
    expected = told(ask("somebody-else@example.com"))
    assert told(ask(f"{kind}@example.com")) == expected


@pytest.mark.usefixtures("people")
def test_reset_request_over_the_account_limit_gives_the_same_answer():
    answers = [told(ask("ana@example.com")) for _ in range(10)]
    sent_mails()
    assert [told(ask("ana@example.com")) for _ in range(5)] == answers[:5]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("kind", ["nobody", "inactive"])
def test_reset_request_for_unknown_or_inactive_account_sends_no_email(kind):
    ask(f"{kind}@example.com")
    assert not sent_mails()
    assert not PasswordResetRequest.objects.exists()


def link_of(mail: Any) -> str:
    return next(word for word in str(mail.body).split() if "/key/" in word)


def test_reset_link_from_the_email_sets_a_new_password(ana):
    ask("ana@example.com")
    link = link_of(sent_mails()[0])
    browser = HttpsClient()
    page = browser.get(link.removeprefix("https://board.example.com"), follow=True)
    chosen = {"password1": "a-newer-password", "password2": "a-newer-password"}
    browser.post(page.redirect_chain[-1][0], chosen)
    browser = HttpsClient()
    sign_in(browser, password="a-newer-password")
    assert is_signed_in(browser)


def test_reset_email_goes_to_the_address_as_stored_in_the_account(ana):
    ana.email = "Ana@Example.com"
    ana.save()
    ask("aNA@example.com")
    assert [mail.to for mail in sent_mails()] == [["Ana@Example.com"]]


def test_reset_request_for_a_look_alike_address_sends_no_email(ana):
    ana.email = "mike@example.com"
    ana.save()
    ask("m\N{LATIN SMALL LETTER DOTLESS I}ke@example.com")
    assert not sent_mails()


@pytest.mark.parametrize("verified", [False, True])
def test_reset_request_for_a_secondary_allauth_address_sends_no_email(ana, verified):
    EmailAddress.objects.create(user=ana, email="thief@example.com", verified=verified)
    ask("thief@example.com")
    assert not sent_mails()


def test_reset_emails_are_limited_per_account(ana):
    for _ in range(15):
        ask("ana@example.com")
    assert len(sent_mails()) == 3


def test_reset_email_limit_ends_after_an_hour(ana):
    for _ in range(5):
        ask("ana@example.com")
    sent_mails()
    Throttle.objects.update(free_at=F("free_at") - 3600 * 1000)
    ask("ana@example.com")
    assert len(sent_mails()) == 4


def test_reset_requests_are_limited_per_client(ana):
    answers = [ask(f"person-{number}@example.com").status_code for number in range(25)]
    assert answers == [302] * 20 + [429] * 5


def test_stored_reset_requests_have_a_maximum(ana):
    PasswordResetRequest.objects.bulk_create(
        PasswordResetRequest(address="x@example.com", language="en") for _ in range(1000)
    )
    assert ask("ana@example.com").status_code == 302
    assert PasswordResetRequest.objects.count() == 1000


def test_old_reset_request_sends_no_email(ana):
    ask("ana@example.com")
    PasswordResetRequest.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert not sent_mails()


def test_requested_address_is_stored_encrypted(ana):
    ask("ana@example.com")
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM whatsapp_passwordresetrequest")
        assert "ana@" not in cursor.fetchone()[0]


def test_sent_reset_link_is_audited_without_its_secret(ana):
    ask("ana@example.com")
    sent_mails()
    event = AuditEvent.objects.get(action=Action.USER_CHANGED)
    assert event.details == {"user": "ana", "password": "reset"}


def test_reset_email_is_in_the_language_of_the_page(ana):
    client = HttpsClient()
    client.cookies["django_language"] = "pt-br"
    ask("ana@example.com", client)
    assert "nova senha" in sent_mails()[0].body


@pytest.mark.parametrize("public", ["https://board.example.com", ""])
@pytest.mark.parametrize("header", ["host", "x-forwarded-host"])
def test_reset_link_ignores_host_headers(ana, settings, public, header):
    settings.ALLOWED_HOSTS = ["*"]
    settings.PUBLIC_BASE_URL, settings.SECURE_SSL_REDIRECT = public, False
    ask("ana@example.com", None, **{header: "evil.example"})
    (mail,) = sent_mails()
    assert link_of(mail).startswith(f"{public or settings.LOCAL_BASE_URL}/account/")
    assert "evil.example" not in f"{mail.subject}{mail.body}"


def test_invitation_link_ignores_host_headers(boss_client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    new = {"username": "bia", "role": "Support", "email": "bia@example.com"}
    page = boss_client.post("/people/invite/", new, headers={"host": "evil.example"})
    text = f"{page.text}{sent_mails()[0].body}"
    assert "evil.example" not in text
    assert "https://board.example.com/invitation/" in text
