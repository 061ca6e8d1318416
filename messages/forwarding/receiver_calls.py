"""Send callbacks to a receiver. Runs in threads and does not use the database."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from messages.domain.problems import Problem
from messages.net import PostFailedError, SafeHttpClient

from .outcomes import Refusal, judge

logger = logging.getLogger(__name__)

# A delivery ends after this many seconds; then its result is saved.
MAX_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ForwardItem:
    forward_id: int
    callback_id: UUID
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """The next callbacks of one line. `token` is '' unless forwarding the token is on."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    items: tuple[ForwardItem, ...] = field(repr=False)


@dataclass(slots=True)
class DeliveryResult:
    """The result of a batch. Callbacks after `failure` were not sent."""

    delivered: list[int] = field(default_factory=list)
    refused: list[tuple[int, Refusal]] = field(default_factory=list)
    failure: Refusal | None = None


def deliver(batch: Batch, stop: threading.Event) -> DeliveryResult:
    result = DeliveryResult()
    end = time.monotonic() + MAX_SECONDS
    client = SafeHttpClient(
        batch.url, allow_private=settings.FORWARD_ALLOW_PRIVATE, ca_file=settings.FORWARD_CA_FILE
    )
    with client:
        for item in batch.items:
            refusal = _post(client, item, batch.token)
            if refusal is None:
                result.delivered.append(item.forward_id)
            elif refusal.is_final:
                result.refused.append((item.forward_id, refusal))
            else:
                result.failure = refusal
                break
            if stop.is_set() or time.monotonic() > end:
                break
    return result


def _post(client: SafeHttpClient, item: ForwardItem, token: str) -> Refusal | None:
    try:
        return judge(client.post(item.body, _headers(item, token)))
    except PostFailedError as error:
        return Refusal(Problem(error.failure.value))
    except Exception:
        # An unexpected error must not stop the other deliveries.
        logger.exception("A callback could not be forwarded.")
        return Refusal(Problem.IMPOSSIBLE)


def _headers(item: ForwardItem, token: str) -> Mapping[str, str]:
    return {
        "Content-Type": "application/json",  # the only type that the webhook endpoint accepts
        "User-Agent": "Statusboard",
        "X-Statusboard-Delivery": str(item.callback_id),
    } | ({"z-api-token": token} if token else {})
