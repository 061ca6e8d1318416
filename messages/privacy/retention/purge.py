"""Deletes old data in small batches, pausing as long after each batch as it took.

This uses at most half of the database's time, and callbacks wait for one small batch at most.
Timelines stay when the callbacks behind them are deleted. Nothing is stored about where a batch
ended, except for bodies, so a purge that was killed continues by itself.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from messages.accounts.audit import audit
from messages.models import (
    Action,
    Answer,
    Callback,
    DataKind,
    KnownAddress,
    Label,
    Message,
    Retention,
    StatusEvent,
    Writing,
)
from messages.models.due import has_passed

from ..holds import Held
from .kinds import KINDS, bodies_after, messages_after, orphan_labels
from .periods import cutoff

logger = logging.getLogger(__name__)

# Rows per transaction. On SQLite, callbacks wait until the transaction ends.
BATCH: Final = 500
# The maximum duration of one run, in seconds. The rest waits for the next run.
MAX_RUN_SECONDS: Final = 30.0
_EVERY: Final = timedelta(hours=1)


class Purge:
    """The worker's job. Several workers may run it at once."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def run(self) -> int:
        ends_at = time.monotonic() + MAX_RUN_SECONDS
        return sum(self._purge(row, ends_at) for row in self._due())

    def _due(self) -> list[Retention]:
        """Return the kinds that are due.

        Messages come before the callbacks that they are built from.
        """
        now = timezone.now()
        rows = {DataKind(row.kind): row for row in Retention.objects.all()}
        return [rows[kind] for kind in DataKind if kind in rows and _is_due(rows[kind], now)]

    def _purge(self, row: Retention, ends_at: float) -> int:
        before, purged = cutoff(row.days), 0
        batches = _STEPS.get(DataKind(row.kind), _delete)(row, before)
        is_done = False
        while not (is_done or self._stop.is_set() or time.monotonic() > ends_at):
            started = time.monotonic()
            number = next(batches, None)
            is_done = number is None
            purged += number or 0
            self._stop.wait(time.monotonic() - started)
        if is_done:
            Retention.objects.filter(pk=row.pk).update(finished_at=timezone.now())
        if purged:
            audit(None, Action.PURGED, details={row.kind: purged, "older than days": row.days})
            logger.info("Deleted %s %s older than %s days.", purged, row.kind, row.days)
        return purged


def _is_due(row: Retention, now: datetime) -> bool:
    return row.finished_at is None or has_passed(_EVERY, row.finished_at, now)


def _delete(row: Retention, before: datetime) -> Iterator[int]:
    """Delete batch by batch; yield how many each time. Holds keep no rows of these kinds."""
    rows = KINDS[DataKind(row.kind)].older(before)
    model: type[Model] = rows.model
    while pks := list(rows.values_list("pk", flat=True)[:BATCH]):
        model._default_manager.filter(pk__in=pks).delete()
        yield len(pks)


@contextmanager
def _holds_fixed(row: Retention) -> Iterator[Held]:
    """A transaction, and what is held. Nobody places or releases a hold until it ends."""
    with transaction.atomic():
        list(Retention.objects.select_for_update().filter(pk=row.pk))
        yield Held.now()


def _delete_messages(row: Retention, before: datetime) -> Iterator[int]:
    """Messages that are being updated are skipped until the next run.

    Each batch begins after the last one, because held messages stay in between. Labels without a
    message are deleted last: before that, most old labels still belong to a message.
    """
    older = KINDS[DataKind.MESSAGES].older(before)
    rest, size = older, BATCH
    while size == BATCH:
        with _holds_fixed(row) as held:
            locked = list(rest.select_for_update(skip_locked=True)[:BATCH])
            kept = held.messages_among([message.pk for message in locked])
            _delete_with_events([message for message in locked if message.pk not in kept])
        yield len(locked) - len(kept)
        size = len(locked)
        if locked:
            rest = messages_after(older, locked[-1])
    _delete_responses(before)
    yield from _delete_orphan_labels(before)


def _delete_with_events(messages: Sequence[Message]) -> None:
    Label.objects.of(messages).delete()
    Answer.objects.to(messages).delete()
    events = StatusEvent.objects.filter(message__in=messages)
    addresses = set(events.values_list("phone", flat=True))
    events.delete()
    Message.objects.filter(pk__in=[message.pk for message in messages]).delete()
    KnownAddress.objects.forget_unused(addresses)


def _delete_responses(before: datetime) -> None:
    """Times of writing, and answers to messages that are not known. The next run continues."""
    held = Held.now()
    for rows in (
        held.without_answers(Answer.objects.filter(at__lt=before).order_by("at")),
        held.without_writings(Writing.objects.filter(period__lt=before).order_by("period")),
    ):
        pks = list(rows.values_list("pk", flat=True)[: 4 * BATCH])
        rows.model._default_manager.filter(pk__in=pks).delete()


def _delete_orphan_labels(before: datetime) -> Iterator[int]:
    # Searched without a lock: this may take long, and on SQLite it would block callbacks.
    orphans = Held.now().without_labels(orphan_labels(before))
    while pks := list(orphans.values_list("pk", flat=True)[:BATCH]):
        # Filtered again: a message may have arrived meanwhile.
        orphan_labels(before).filter(pk__in=pks).delete()
        yield len(pks)


def _delete_callbacks(row: Retention, before: datetime) -> Iterator[int]:
    older = KINDS[DataKind.CALLBACKS].older(before)
    rest, size = older, BATCH
    while size == BATCH:
        with _holds_fixed(row) as held:
            pks = list(rest.values_list("pk", flat=True)[:BATCH])
            kept = held.callbacks_among(pks)
            Callback.objects.filter(pk__in=set(pks) - kept).delete()
        yield len(pks) - len(kept)
        size = len(pks)
        if pks:
            rest = older.filter(pk__gt=pks[-1])


def _empty_bodies(row: Retention, before: datetime) -> Iterator[int]:
    size = BATCH
    while size == BATCH:
        with _holds_fixed(row) as held:
            reached = Retention.objects.bodies_reached()
            pks = list(bodies_after(before, reached).values_list("pk", flat=True)[:BATCH])
            kept = held.callbacks_among(pks)
            Callback.objects.filter(pk__in=set(pks) - kept).update(body=b"")
            if pks:
                # Skipped if it was set back meanwhile, for a callback that was stored late.
                Retention.objects.filter(pk=row.pk, reached=reached).update(reached=pks[-1])
            if kept:
                Retention.objects.pass_over(min(kept))
        yield len(pks) - len(kept)
        size = len(pks)


_STEPS: Final[dict[DataKind, Callable[[Retention, datetime], Iterator[int]]]] = {
    DataKind.MESSAGES: _delete_messages,
    DataKind.CALLBACKS: _delete_callbacks,
    DataKind.BODIES: _empty_bodies,
}
