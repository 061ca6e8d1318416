"""Sends queued e-mails, retries them, and drops them after a day."""

import logging
import threading
from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from messages.domain.problems import Problem
from messages.models import QueuedMail

from .backend import to_message

logger = logging.getLogger(__name__)


def mail_connection() -> BaseEmailBackend:
    """The mail server of EMAIL_URL. Only for the worker, because it may block."""
    connection: BaseEmailBackend = get_connection(settings.EMAIL_SERVER_BACKEND)
    return connection


def why_mail_is_off() -> Problem | None:
    """Explain why e-mails are not sent, or return None. Without EMAIL_URL they are only printed."""
    is_printed = settings.EMAIL_SERVER_BACKEND == "django.core.mail.backends.console.EmailBackend"
    return Problem.NO_MAIL_SERVER if is_printed and not settings.DEMO else None


def deliver_mails(stop: threading.Event | None = None) -> int:
    """Send what is due; return how many were sent. Several workers may do so at once."""
    done = 0
    while not (stop and stop.is_set()) and (mail := _claim()):
        done += _deliver(mail)
    return done


def _claim() -> QueuedMail | None:
    with QueuedMail.objects.due().claim() as mails:
        for mail in mails:
            mail.tries, mail.next_try_at = mail.tries + 1, timezone.now() + mail.WAITS.lease
            mail.save(update_fields=["tries", "next_try_at"])
    return mails[0] if mails else None


def _deliver(mail: QueuedMail) -> bool:
    """Send one e-mail; return whether it was sent.

    Only the error's class is logged, because its text may contain an address or a link.
    """
    failure = _send(mail)
    if failure is None:
        mail.delete()
        return True
    if mail.is_expired or _is_final(failure):
        logger.error("E-mail %s could not be sent and is dropped (%s).", mail.pk, _name(failure))
        mail.delete()
    else:
        logger.warning("E-mail %s could not be sent; it is retried (%s).", mail.pk, _name(failure))
        wait = mail.WAITS.after(mail.tries)
        QueuedMail.objects.filter(pk=mail.pk).update(next_try_at=timezone.now() + wait)
    return False


def _send(mail: QueuedMail) -> Exception | None:
    """Return any error instead of raising it, so that one e-mail does not block the others."""
    try:
        message = to_message(mail.content.reveal())
        mail_connection().send_messages([message])
    except Exception as error:
        return error
    return None


def _is_final(failure: Exception) -> bool:
    """Whether a retry cannot help: the address was refused, or the stored text is unreadable."""
    if isinstance(failure, SMTPRecipientsRefused):
        return all(code >= 500 for code, _words in failure.recipients.values())
    return not isinstance(failure, SMTPException | OSError)


def _name(failure: Exception) -> str:
    return type(failure).__name__
