"""E-mails are queued in the database, so that no request waits for a mail server."""

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives, send_mail
from django.db import connection, transaction
from django.utils import timezone

from messages.mail import deliver_mails
from messages.models import QueuedMail
from tests.mails import sent_mails

pytestmark = pytest.mark.django_db
LINK = "https://board.example.com/people/accept/MQ/secret-of-the-link/"


def queue(to: str = "ana@example.com") -> None:
    send_mail("Your account", f"Choose a password: {LINK}", None, [to])


def make_due() -> None:
    QueuedMail.objects.update(next_try_at=timezone.now())


@contextmanager
def mail_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Start a TCP server; `talk` handles each client like a mail server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    caller, _address = listener.accept()
                except OSError:
                    return
                with caller:
                    talk(caller)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def stay_silent(caller: socket.socket) -> None:
    caller.settimeout(5)
    while caller.recv(100):
        pass


def refuse_recipients(caller: socket.socket) -> None:
    """A mail server that does not know the recipient."""
    caller.sendall(b"220 mail.example.com\r\n")
    for line in caller.makefile("rb"):
        refused = line.upper().startswith(b"RCPT")
        caller.sendall(b"550 no such user\r\n" if refused else b"250 ok\r\n")


@pytest.fixture
def smtp(settings):
    """Points the worker at a mail server on this port."""

    def point_at(port: int) -> None:
        settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 0.2

    return point_at


def test_sent_email_is_deleted_from_the_queue():
    queue()
    assert QueuedMail.objects.count() == 1
    (sent,) = sent_mails()
    assert (sent.subject, sent.to) == ("Your account", ["ana@example.com"])
    assert LINK in sent.body
    assert not QueuedMail.objects.exists()


def test_queued_email_keeps_every_part():
    message = EmailMultiAlternatives(
        subject="Olá ✓",
        body="text",
        from_email="from@example.com",
        to=["to@example.com"],
        bcc=["bcc@example.com"],
        cc=["cc@example.com"],
        reply_to=["reply@example.com"],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative("<p>html</p>", "text/html")
    message.send()
    (sent,) = sent_mails()
    boundaries = re.compile(r"(?m)^(Message-ID|Date):.*$|={5,}\d+=+")
    as_sent, as_written = (boundaries.sub("", one.message().as_string()) for one in (sent, message))
    assert as_sent == as_written
    assert sent.recipients() == message.recipients()


def test_queued_email_is_stored_encrypted():
    queue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM whatsapp_queuedmail")
        (stored,) = cursor.fetchone()
    assert not [part for part in ("ana@example.com", "secret-of-the-link") if part in stored]


@pytest.mark.django_db(transaction=True)
def test_rolled_back_request_sends_no_email():
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert not sent_mails()


def test_page_does_not_wait_for_a_silent_mail_server(admin_client, smtp):
    callers: list[socket.socket] = []
    with mail_server(callers.append) as port:
        smtp(port)
        fields = {"username": "bia", "role": "Support", "email": "bia@example.com"}
        page = admin_client.post("/people/invite/", fields, secure=True, follow=True)
    assert "sending it to bia@example.com" in page.text
    assert not callers


def test_email_after_a_timeout_is_retried(smtp, settings, caplog):
    queue()
    with mail_server(stay_silent) as port:
        smtp(port)
        assert deliver_mails() == 0
    waiting = QueuedMail.objects.get()
    assert waiting.next_try_at > timezone.now()
    assert not [secret for secret in ("ana@", "secret-of-the-link") if secret in caplog.text]
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    make_due()
    assert len(sent_mails()) == 1


def test_health_page_shows_the_number_of_waiting_emails(admin_client):
    queue()
    queue()
    page = admin_client.get("/health/", secure=True).text
    section = page.partition('id="mails"')[2].partition("</section>")[0]
    assert "<dd>2</dd>" in section
    assert "Oldest" in section


def test_retries_become_less_frequent(smtp):
    queue()
    smtp(1)
    waits = []
    for _ in range(15):
        make_due()
        deliver_mails()
        waits.append(round((QueuedMail.objects.get().next_try_at - timezone.now()).seconds / 30))
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 120


def test_email_is_dropped_after_a_day_and_logged_without_address(smtp, caplog):
    queue()
    QueuedMail.objects.update(created_at=timezone.now() - timedelta(days=1))
    smtp(1)
    with caplog.at_level(logging.ERROR):
        deliver_mails()
    assert not QueuedMail.objects.exists()
    assert "is dropped (ConnectionRefusedError)" in caplog.text
    assert "ana@example.com" not in caplog.text


def test_email_to_a_refused_address_is_dropped_at_once(smtp, caplog):
    queue("nobody@example.com")
    with mail_server(refuse_recipients) as port:
        smtp(port)
        deliver_mails()
    assert not QueuedMail.objects.exists()
    assert "is dropped (SMTPRecipientsRefused)" in caplog.text
    assert "nobody@example.com" not in caplog.text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"subject": "half of it"}'])
def test_unreadable_row_does_not_block_other_emails(content):
    QueuedMail.objects.create(content=content)
    queue()
    assert len(sent_mails()) == 1
    assert not QueuedMail.objects.exists()


def test_undecryptable_email_does_not_block_other_emails(settings):
    queue("lost@example.com")
    settings.FIELD_ENCRYPTION_KEYS = ["x" * 43 + "="]
    queue()
    assert [mail.to for mail in sent_mails()] == [["ana@example.com"]]
