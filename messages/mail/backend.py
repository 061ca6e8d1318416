"""The EMAIL_BACKEND that queues messages for the worker."""

import json
from collections.abc import Sequence
from typing import Any, Final

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from messages.models import QueuedMail

_FIELDS: Final = ("subject", "body", "from_email", "to", "cc", "bcc", "reply_to")


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


def to_text(message: EmailMessage) -> str:
    """Serialize the e-mail as JSON. Raises ValueError if it has attachments."""
    if message.attachments:
        raise ValueError("An e-mail with attachments cannot be queued.")
    content: dict[str, Any] = {name: getattr(message, name) for name in _FIELDS}
    content["headers"] = message.extra_headers
    content["subtype"] = message.content_subtype
    content["alternatives"] = [list(one) for one in getattr(message, "alternatives", ())]
    # `default=str` also renders lazy translations in the current language.
    return json.dumps(content, default=str)


def to_message(text: str) -> EmailMessage:
    """Deserialize a stored e-mail. Raises ValueError, KeyError or TypeError for any other text."""
    content = json.loads(text)
    message = EmailMultiAlternatives(
        **{name: content[name] for name in _FIELDS}, headers=content["headers"]
    )
    message.content_subtype = content["subtype"]
    for body, kind in content["alternatives"]:
        message.attach_alternative(body, kind)
    return message
