"""Replays quarantined callbacks: processes them again under their original id."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import Error, models, transaction

from messages.models import Callback, Outcome
from statusboard.databases import is_away

from . import quarantine
from .delivery import Delivery
from .entries import Entry, read
from .store import backend, note_connection

logger = logging.getLogger(__name__)

Progress = Callable[[int], None]
_BATCH = 500


@dataclass(slots=True)
class ReplayResult:
    """The number of callbacks by outcome. `quarantined` are those that still fail."""

    outcomes: Counter[str] = field(default_factory=Counter)
    # These exceeded the cap of the quarantine, so they cannot be replayed.
    without_body: int = 0

    @property
    def tried(self) -> int:
        return self.outcomes.total()

    @property
    def left(self) -> int:
        return self.outcomes[Outcome.QUARANTINED] + self.without_body


def replay(
    callbacks: models.QuerySet[Callback],
    *,
    dry_run: bool = False,
    progress: Progress = lambda done: None,
) -> ReplayResult:
    """Process the quarantined callbacks among `callbacks` again, oldest first.

    Each has its own transaction. So a replay may be interrupted and repeated, and two replays may
    run at the same time. Raises DatabaseError if the database is unavailable.
    """
    waiting = callbacks.filter(outcome=Outcome.QUARANTINED).order_by("id")
    result = ReplayResult(without_body=waiting.filter(body=b"").count())
    ids = list(waiting.exclude(body=b"").values_list("id", flat=True))
    for start in range(0, len(ids), _BATCH):
        batch = Callback.objects.filter(pk__in=ids[start : start + _BATCH])
        for callback in batch.select_related("instance").order_by("id"):
            if outcome := _replay(callback, dry_run=dry_run):
                result.outcomes[outcome] += 1
        progress(result.tried)
    quarantine.forget_usages()
    return result


def delivery_of(callback: Callback) -> Delivery:
    return Delivery(
        id=callback.pk,
        zapi_id=callback.instance.zapi_id,
        key_version=callback.instance.key_version,
        received_at=callback.received_at,
        body=bytes(callback.body),
    )


def _replay(callback: Callback, *, dry_run: bool) -> str | None:
    """The outcome, or None if another process has replayed the callback meanwhile."""
    entry = read(delivery_of(callback))
    try:
        with transaction.atomic():
            outcome = _settle(entry)
            transaction.set_rollback(dry_run)
    except Error as error:
        if is_away(error):
            raise
        logger.exception("The quarantined callback %s could not be applied.", callback.pk)
        return Outcome.QUARANTINED
    return outcome


def _settle(entry: Entry) -> str | None:
    if entry.outcome == Outcome.QUARANTINED:
        still = Callback.objects.quarantined().filter(pk=entry.delivery.id)
        values = {"cause": entry.cause, "cause_values": entry.cause_values}
        return entry.outcome if still.update(type=entry.type, **values) else None
    settled = backend().settle(entry)
    if settled and entry.connection:
        note_connection(settled[0], entry.connection, entry.delivery)
    return settled[1] if settled else None
