"""A forgotten password: the answer tells nothing, and only accounts get e-mail."""

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
    """All that a stranger sees of an answer, without what is random in it."""
    cookies = {name: len(morsel.value) for name, morsel in answer.cookies.items()}
    headers = {name: value for name, value in answer.items() if name.lower() != "x-request-id"}
    return answer.status_code, headers, cookies, answer.content


def statements(address: str) -> list[str]:
    cache.clear()  # so that every request finds the limit by client untouched
    with CaptureQueriesContext(
        connection,
    ) as captured:
        ask(address)
    return [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in captured.captured_queries]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_runs_the_same_statements_whoever_is_asked_for(kind):
    expected = statements("somebody-else@example.com")
    assert statements(f"{kind}@example.com") == expected


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_the_same_whoever_is_asked_for(kind):
    expected = told(ask("somebody-else@example.com"))
    assert told(ask(f"{kind}@example.com")) == expected


@pytest.mark.usefixtures("people")
def test_the_answer_stays_the_same_once_an_account_has_had_enough_links():
    answers = [told(ask("ana@example.com")) for _ in range(10)]
    sent_mails()
    assert [told(ask("ana@example.com")) for _ in range(5)] == answers[:5]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("kind", ["nobody", "inactive"])
def test_no_mail_goes_to_a_stranger_or_to_an_account_that_is_switched_off(kind):
    ask(f"{kind}@example.com")
    assert not sent_mails()
    assert not PasswordResetRequest.objects.exists()


def link_of(mail: Any) -> str:
    return next(word for word in str(mail.body).split() if "/key/" in word)


def test_a_link_from_an_e_mail_sets_a_new_password(ana):
    ask("ana@example.com")
    link = link_of(sent_mails()[0])
    browser = HttpsClient()
    page = browser.get(link.removeprefix("https://board.example.com"), follow=True)
    chosen = {"password1": "a-newer-password", "password2": "a-newer-password"}
    browser.post(page.redirect_chain[-1][0], chosen)
    browser = HttpsClient()
    sign_in(browser, password="a-newer-password")
    assert is_signed_in(browser)


def test_an_address_in_other_letters_gets_the_link_as_the_account_writes_it(ana):
    ana.email = "Ana@Example.com"
    ana.save()
    ask("aNA@example.com")
    assert [mail.to for mail in sent_mails()] == [["Ana@Example.com"]]


def test_an_address_that_only_looks_alike_gets_nothing(ana):
    ana.email = "mike@example.com"
    ana.save()
    ask("m\N{LATIN SMALL LETTER DOTLESS I}ke@example.com")
    assert not sent_mails()


@pytest.mark.parametrize("verified", [False, True])
def test_another_address_that_allauth_knows_of_gets_no_link(ana, verified):
    EmailAddress.objects.create(user=ana, email="thief@example.com", verified=verified)
    ask("thief@example.com")
    assert not sent_mails()


def test_nobody_can_flood_an_account(ana):
    for _ in range(15):
        ask("ana@example.com")
    assert len(sent_mails()) == 3


def test_an_hour_later_an_account_gets_links_again(ana):
    for _ in range(5):
        ask("ana@example.com")
    sent_mails()
    Throttle.objects.update(free_at=F("free_at") - 3600 * 1000)
    ask("ana@example.com")
    assert len(sent_mails()) == 4


def test_one_client_cannot_ask_for_many_addresses(ana):
    answers = [ask(f"person-{number}@example.com").status_code for number in range(25)]
    assert answers == [302] * 20 + [429] * 5


def test_requests_are_not_stored_without_end(ana):
    PasswordResetRequest.objects.bulk_create(
        PasswordResetRequest(address="x@example.com", language="en") for _ in range(1000)
    )
    assert ask("ana@example.com").status_code == 302
    assert PasswordResetRequest.objects.count() == 1000


def test_a_request_that_waited_too_long_sends_nothing(ana):
    ask("ana@example.com")
    PasswordResetRequest.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert not sent_mails()


def test_the_typed_address_is_stored_encrypted(ana):
    ask("ana@example.com")
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM whatsapp_passwordresetrequest")
        assert "ana@" not in cursor.fetchone()[0]


def test_a_link_that_was_sent_is_written_down_without_its_secret(ana):
    ask("ana@example.com")
    sent_mails()
    event = AuditEvent.objects.get(action=Action.USER_CHANGED)
    assert event.details == {"user": "ana", "password": "reset"}


def test_the_e_mail_is_in_the_language_of_the_page(ana):
    client = HttpsClient()
    client.cookies["django_language"] = "pt-br"
    ask("ana@example.com", client)
    assert "nova senha" in sent_mails()[0].body


@pytest.mark.parametrize("public", ["https://board.example.com", ""])
@pytest.mark.parametrize("header", ["host", "x-forwarded-host"])
def test_the_link_follows_no_host_header(ana, settings, public, header):
    settings.ALLOWED_HOSTS = ["*"]
    settings.PUBLIC_BASE_URL, settings.SECURE_SSL_REDIRECT = public, False
    ask("ana@example.com", None, **{header: "evil.example"})
    (mail,) = sent_mails()
    assert link_of(mail).startswith(f"{public or settings.LOCAL_BASE_URL}/account/")
    assert "evil.example" not in f"{mail.subject}{mail.body}"


def test_an_invitation_follows_no_host_header(boss_client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    new = {"username": "bia", "role": "Support", "email": "bia@example.com"}
    page = boss_client.post("/people/invite/", new, headers={"host": "evil.example"})
    text = f"{page.text}{sent_mails()[0].body}"
    assert "evil.example" not in text
    assert "https://board.example.com/invitation/" in text
