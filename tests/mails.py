"""E-mails as people get them: what was queued, sent by the worker's job."""

from django.core import mail
from django.core.mail import EmailMessage

from messages.accounts.password_resets import send_reset_links
from messages.mail import deliver_mails


def sent_mails() -> list[EmailMessage]:
    """Everything sent so far, once the worker has sent what waits."""
    send_reset_links()
    deliver_mails()
    return list(mail.outbox)
