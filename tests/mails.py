"""Read the e-mails that the worker sends from the queue."""

from django.core import mail
from django.core.mail import EmailMessage

from messages.accounts.password_resets import send_reset_links
from messages.mail import deliver_mails


def sent_mails() -> list[EmailMessage]:
    """Send the queued e-mails; return all e-mails sent so far."""
    send_reset_links()
    deliver_mails()
    return list(mail.outbox)
