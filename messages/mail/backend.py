"""Django's way out for e-mail (EMAIL_BACKEND): stores each one for the worker."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from messages.models import QueuedMail

from .content import to_text


class QueueBackend(BaseEmailBackend):
    """Sends nothing itself, so no request waits for a mail server.

    Part of the caller's transaction: what is rolled back sends no e-mail.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        mails = [
            QueuedMail(content=to_text(message))
            for message in email_messages
            if message.recipients()
        ]
        QueuedMail.objects.bulk_create(mails)
        return len(mails)
