"""Lease forwarding lines to workers, so that one worker at a time delivers each."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

from django.db import transaction

from messages.domain.problems import Problem
from messages.models import Forward, ForwardLine, Webhook

from .outcomes import GIVE_UP_AFTER, Refusal, wait_after
from .receiver_calls import Batch, DeliveryResult, ForwardItem

logger = logging.getLogger(__name__)

# Delivery threads of one worker.
LANES = 32
# The maximum number of threads for one host, and for all failing lines together. A slow or dead
# receiver must not block the others.
LANES_PER_HOST = 16
LANES_FOR_FAILING = 8
# Another worker may take the line after this.
LEASE = ForwardLine.WAITS.lease
# Callbacks per delivery. Each body has at most 256 KB.
BATCH_SIZE = 25


@dataclass(frozen=True, slots=True)
class LineLease:
    """A line that this worker has leased until `expires_at`."""

    line: ForwardLine
    expires_at: datetime

    @property
    def host(self) -> str:
        return _host(self.line.webhook.forward_to)


@dataclass(slots=True)
class Lanes:
    """The delivery threads in use, in total, by failing lines and by host."""

    used: int = 0
    failing: int = 0
    of_host: Counter[str] = field(default_factory=Counter)

    @classmethod
    def used_by(cls, leases: Iterable[LineLease]) -> Self:
        lanes = cls()
        for lease in leases:
            lanes._add(lease.host, bool(lease.line.tries))
        return lanes

    def admit(self, host: str, is_failing: bool) -> bool:
        if (
            self.used >= LANES
            or self.of_host[host] >= LANES_PER_HOST
            or (is_failing and self.failing >= LANES_FOR_FAILING)
        ):
            return False
        self._add(host, is_failing)
        return True

    def _add(self, host: str, is_failing: bool) -> None:
        self.used += 1
        self.failing += is_failing
        self.of_host[host] += 1


def claim(now: datetime, lanes: Lanes) -> list[LineLease]:
    """Lease the due lines for which there is a free thread."""
    due = ForwardLine.objects.due(now).values_list("pk", "webhook__forward_to", "tries")
    chosen = [pk for pk, url, tries in due if lanes.admit(_host(url), tries > 0)]
    free = ForwardLine.objects.due(now).filter(pk__in=chosen).select_related("webhook__instance")
    with free.claim(most=None) as lines:
        ForwardLine.objects.filter(pk__in=[line.pk for line in lines]).update(
            next_try_at=now + LEASE
        )
    return [LineLease(line, now + LEASE) for line in lines]


def load(lease: LineLease) -> Batch:
    """Read the next callbacks of a line. Raises SecretUnreadableError if it needs the token."""
    webhook = lease.line.webhook
    waiting = Forward.objects.waiting().filter(webhook=webhook).in_order()[:BATCH_SIZE]
    return Batch(
        url=webhook.forward_to,
        token=webhook.instance.token.reveal() if webhook.forwards_token else "",
        items=tuple(
            ForwardItem(pk, callback_id, bytes(body))
            for pk, callback_id, body in waiting.values_list("pk", "callback_id", "body")
        ),
    )


@transaction.atomic
def settle(lease: LineLease, result: DeliveryResult, now: datetime) -> None:
    """Save the result of a delivery, and delete the delivered callbacks."""
    Forward.objects.filter(pk__in=result.delivered).delete()
    for forward_id, refusal in result.refused:
        Forward.objects.filter(pk=forward_id).give_up(refusal.problem, refusal.status)
    if result.failure:
        is_first = bool(result.delivered or result.refused) or not lease.line.tries
        _wait(lease, result.failure, 1 if is_first else lease.line.tries + 1, now)
    else:
        _update(lease, next_try_at=now, tries=0, failing_since=None, problem="", status=None)


def _wait(lease: LineLease, refusal: Refusal, tries: int, now: datetime) -> None:
    since = now if tries == 1 else min(lease.line.failing_since or now, now)
    if tries == 1:
        logger.warning("Webhook %s cannot forward: %s", lease.line.pk, refusal.problem.value)
    if now - since >= GIVE_UP_AFTER:
        _give_up(lease.line.webhook, refusal, now)
    _update(
        lease,
        next_try_at=now + wait_after(tries, refusal),
        tries=tries,
        failing_since=since,
        problem=refusal.problem,
        status=refusal.status,
    )


def _give_up(webhook: Webhook, refusal: Refusal, now: datetime) -> None:
    """Mark callbacks that waited too long as failed.

    Otherwise the queue of an unreachable receiver would grow without limit.
    """
    stale = Forward.objects.waiting().filter(
        webhook=webhook, waiting_since__lte=now - GIVE_UP_AFTER
    )
    if number := stale.give_up(refusal.problem, refusal.status):
        logger.warning("Webhook %s stopped retrying %d callbacks.", webhook.pk, number)


def _update(lease: LineLease, **values: Any) -> None:
    """Update the line, unless the lease expired or the URL changed."""
    ForwardLine.objects.filter(pk=lease.line.pk, next_try_at=lease.expires_at).update(**values)


def _host(url: str) -> str:
    return urlsplit(url).netloc


UNREADABLE = DeliveryResult(failure=Refusal(Problem.NO_TOKEN))
