"""Sends one digest through one channel. Independent of the queue; runs outside transactions."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation

from messages.domain.problems import Problem, ProblemError
from messages.forwarding.outcomes import judge
from messages.mail import mail_connection, why_mail_is_off
from messages.models import Channel, ChannelKind, SecretUnreadableError
from messages.net import PostFailedError, SafeHttpClient
from statusboard import page_network

from .digest import Digest, TestMessage

logger = logging.getLogger(__name__)


class NotificationFailedError(ProblemError):
    """Sending failed. `retry_after` is how long the receiver asks to wait."""

    def __init__(self, problem: Problem, retry_after: timedelta | None = None) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


def send(channel: Channel, digest: Digest | TestMessage) -> None:
    """Raises NotificationFailedError."""
    try:
        with translation.override(channel.language):
            _SENDERS[ChannelKind(channel.kind)](channel, digest)
    except SecretUnreadableError:
        raise NotificationFailedError(Problem.CHANNEL_UNREADABLE) from None


def _mail(channel: Channel, digest: Digest | TestMessage) -> None:
    if reason := why_mail_is_off():
        raise NotificationFailedError(reason)
    addresses = [address.strip() for address in channel.address.reveal().split(",")]
    message = EmailMessage(
        # A header is a single line; an instance name may contain line breaks.
        subject=" ".join(f"[Statusboard] {digest.subject}".split()),
        body=digest.text,
        to=addresses,
        headers={"X-Statusboard-Delivery": str(digest.id), "Auto-Submitted": "auto-generated"},
        # Sent directly, because the notification queue already retries and records failures.
        connection=mail_connection(),
    )
    try:
        page_network.call(message.send)
    except (SMTPException, OSError) as error:
        # The error text may contain addresses.
        logger.warning("Channel %s: sending the e-mail failed (%s).", channel.pk, type(error))
        raise NotificationFailedError(Problem.MAIL_FAILED) from None


def _slack(channel: Channel, digest: Digest | TestMessage) -> None:
    # With a single incident, the text begins with the subject.
    text = f"*{digest.subject}*\n" + digest.text.removeprefix(digest.subject).lstrip("\n")
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    _post(channel, json.dumps({"text": text}).encode(), {})


def _webhook(channel: Channel, digest: Digest | TestMessage) -> None:
    body, timestamp = json.dumps(digest.as_json()).encode(), int(time.time())
    headers = {
        "X-Statusboard-Delivery": str(digest.id),
        "X-Statusboard-Timestamp": str(timestamp),
        "X-Statusboard-Signature": _signature(channel.secret.reveal(), timestamp, body),
    }
    _post(channel, body, headers)


def _post(channel: Channel, body: bytes, headers: Mapping[str, str]) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "Statusboard", **headers}
    client = SafeHttpClient(
        channel.address.reveal(),
        allow_private=settings.FORWARD_ALLOW_PRIVATE,
        ca_file=settings.FORWARD_CA_FILE,
    )
    try:
        with client:
            refusal = judge(client.post(body, headers))
    except PostFailedError as error:
        raise NotificationFailedError(Problem(error.failure.value)) from None
    if refusal:
        raise NotificationFailedError(refusal.problem, refusal.retry_after)


def _signature(secret: str, timestamp: int, body: bytes) -> str:
    """Documented for receivers in docs/operator.md.

    The timestamp is signed too, so that an old notification cannot be replayed as a new one.
    """
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


_SENDERS = {
    ChannelKind.EMAIL: _mail,
    ChannelKind.SLACK: _slack,
    ChannelKind.WEBHOOK: _webhook,
}
