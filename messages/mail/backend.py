"""The EMAIL_BACKEND that queues messages for the worker."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from messages.models import QueuedMail

from .content import to_text


class QueueBackend(BaseEmailBackend):
    """Queues each message, so that no request waits for a mail server.

    It is part of the caller's transaction: if that is rolled back, no e-mail is sent.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        mails = [
            QueuedMail(content=to_text(message))
            for message in email_messages
            if message.recipients()
        ]
        QueuedMail.objects.bulk_create(mails)
        return len(mails)
