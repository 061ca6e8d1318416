"""The lines as workers share them: each is served by one worker at a time."""

import logging
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

from django.db import transaction

from messages.models import Forward, ForwardLine, ForwardProblem, Webhook

from .outcomes import GIVE_UP_AFTER, Refusal, wait_after
from .receiver_calls import ForwardItem, Load, Shipped

logger = logging.getLogger(__name__)

# The threads of one worker that talk to receivers.
LANES = 32
# Of these, what one receiver's host may keep busy, and what all the failing lines may: a receiver
# that is slow or dead finds others' lanes taken, never the others find all taken by it.
LANES_OF_A_HOST = 16
LANES_OF_THE_FAILING = 8
# A served line is free again after this.
LEASE = ForwardLine.WAITS.lease
# Bodies held at once: so many for each lane, of a quarter of a megabyte at the very most.
LOAD = 25


@dataclass(frozen=True, slots=True)
class Turn:
    """A line in this worker's hands, until `lease` and no longer."""

    line: ForwardLine
    lease: datetime

    @property
    def host(self) -> str:
        return _host(self.line.webhook.forward_to)


@dataclass(slots=True)
class Lanes:
    """Who is on the road, so that nobody takes all of it."""

    taken: int = 0
    failing: int = 0
    of_host: Counter[str] = field(default_factory=Counter)

    @classmethod
    def taken_by(cls, turns: Iterable[Turn]) -> Self:
        lanes = cls()
        for turn in turns:
            lanes._take(turn.host, bool(turn.line.tries))
        return lanes

    def admit(self, host: str, is_failing: bool) -> bool:
        if (
            self.taken >= LANES
            or self.of_host[host] >= LANES_OF_A_HOST
            or (is_failing and self.failing >= LANES_OF_THE_FAILING)
        ):
            return False
        self._take(host, is_failing)
        return True

    def _take(self, host: str, is_failing: bool) -> None:
        self.taken += 1
        self.failing += is_failing
        self.of_host[host] += 1


def claim(now: datetime, lanes: Lanes) -> list[Turn]:
    """Take the lines that are due and find a lane, out of the other workers' sight."""
    # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
    due = ForwardLine.objects.due(now).values_list("pk", "webhook__forward_to", "tries")
    chosen = [pk for pk, url, tries in due if lanes.admit(_host(url), tries > 0)]
    return _lease(chosen, now) if chosen else []


@transaction.atomic
def _lease(chosen: list[int], now: datetime) -> list[Turn]:
    lines = (
        ForwardLine.objects.due(now)
        .filter(pk__in=chosen)
        .select_related("webhook__instance")
        .select_for_update(skip_locked=True, of=("self",))
    )
    turns = [Turn(line, now + LEASE) for line in lines]
    ForwardLine.objects.filter(pk__in=[turn.line.pk for turn in turns]).update(
        next_try_at=now + LEASE
    )
    return turns


def load(turn: Turn) -> Load:
    """Raises SecretUnreadableError where the token is to be passed on and cannot be read."""
    webhook = turn.line.webhook
    waiting = Forward.objects.waiting().filter(webhook=webhook).in_order()
    return Load(
        url=webhook.forward_to,
        token=webhook.instance.token.reveal() if webhook.forwards_token else "",
        parcels=tuple(
            ForwardItem(pk, callback_id, bytes(body))
            for pk, callback_id, body in waiting.values_list("pk", "callback_id", "body")[:LOAD]
        ),
    )


@transaction.atomic
def settle(turn: Turn, shipped: Shipped, now: datetime) -> None:
    """Note what became of a load. The callbacks that were taken are gone with this."""
    Forward.objects.filter(pk__in=shipped.taken).delete()
    for forward_id, refusal in shipped.refused:
        Forward.objects.filter(pk=forward_id).give_up(refusal.problem, refusal.status)
    if shipped.setback:
        is_first = bool(shipped.taken or shipped.refused) or not turn.line.tries
        _wait(turn, shipped.setback, 1 if is_first else turn.line.tries + 1, now)
    else:
        _update(turn, next_try_at=now, tries=0, failing_since=None, problem="", status=None)


def _wait(turn: Turn, refusal: Refusal, tries: int, now: datetime) -> None:
    since = now if tries == 1 else min(turn.line.failing_since or now, now)
    if tries == 1:
        logger.warning("Webhook %s cannot forward: %s", turn.line.pk, refusal.problem.value)
    if now - since >= GIVE_UP_AFTER:
        _give_up(turn.line.webhook, refusal, now)
    _update(
        turn,
        next_try_at=now + wait_after(tries, refusal, random.random()),  # noqa: S311  (no secret)
        tries=tries,
        failing_since=since,
        problem=refusal.problem,
        status=refusal.status,
    )


def _give_up(webhook: Webhook, refusal: Refusal, now: datetime) -> None:
    """Set aside whatever has waited too long, so that a line of a dead receiver has an end."""
    stale = Forward.objects.waiting().filter(
        webhook=webhook, waiting_since__lte=now - GIVE_UP_AFTER
    )
    if number := stale.give_up(refusal.problem, refusal.status):
        logger.warning("Webhook %s stopped retrying %d callbacks.", webhook.pk, number)


def _update(turn: Turn, **result: Any) -> None:
    """Not where the line is somebody else's by now, or was pointed elsewhere meanwhile."""
    ForwardLine.objects.filter(pk=turn.line.pk, next_try_at=turn.lease).update(**result)


def _host(url: str) -> str:
    return urlsplit(url).netloc


UNREADABLE = Shipped(setback=Refusal(ForwardProblem.NO_TOKEN))
