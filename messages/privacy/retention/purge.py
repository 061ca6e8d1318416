"""Deletes old data in small batches, pausing as long after each batch as it took.

This uses at most half of the database's time, and callbacks wait for one small batch at most.
Timelines stay when the callbacks behind them are deleted.
"""

import logging
import threading
import time
from collections.abc import Callable
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

from .kinds import KINDS, bodies_after, orphan_labels
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
        is_done = False
        while not (is_done or self._stop.is_set() or time.monotonic() > ends_at):
            started = time.monotonic()
            number = _STEPS.get(DataKind(row.kind), _delete)(row, before)
            purged += number
            is_done = number < BATCH
            self._stop.wait(time.monotonic() - started)
        if is_done:
            Retention.objects.filter(pk=row.pk).update(finished_at=timezone.now())
        if purged:
            audit(None, Action.PURGED, details={row.kind: purged, "older than days": row.days})
            logger.info("Deleted %s %s older than %s days.", purged, row.kind, row.days)
        return purged


def _is_due(row: Retention, now: datetime) -> bool:
    return row.finished_at is None or has_passed(_EVERY, row.finished_at, now)


def _delete(row: Retention, before: datetime) -> int:
    rows = KINDS[DataKind(row.kind)].older(before)
    model: type[Model] = rows.model
    pks = list(rows.values_list("pk", flat=True)[:BATCH])
    model._default_manager.filter(pk__in=pks).delete()
    return len(pks)


def _delete_messages(row: Retention, before: datetime) -> int:
    """Messages that are being updated are skipped until the next run.

    Labels without a message are deleted last: before that, most old labels still belong to a
    message.
    """
    with transaction.atomic():
        older = KINDS[DataKind.MESSAGES].older(before)
        locked = list(older.select_for_update(skip_locked=True)[:BATCH])
        Label.objects.of(locked).delete()
        Answer.objects.to(locked).delete()
        events = StatusEvent.objects.filter(message__in=locked)
        addresses = set(events.values_list("phone", flat=True))
        events.delete()
        Message.objects.filter(pk__in=[message.pk for message in locked]).delete()
        KnownAddress.objects.forget_unused(addresses)
    if len(locked) == BATCH:
        return len(locked)
    _delete_responses(before)
    return len(locked) + _delete_orphan_labels(before)


def _delete_responses(before: datetime) -> None:
    """Times of writing, and answers to messages that are not known. The next run continues."""
    for rows in (
        Answer.objects.filter(at__lt=before).order_by("at"),
        Writing.objects.filter(period__lt=before).order_by("period"),
    ):
        pks = list(rows.values_list("pk", flat=True)[: 4 * BATCH])
        rows.model._default_manager.filter(pk__in=pks).delete()


def _delete_orphan_labels(before: datetime) -> int:
    # Searched without a lock: this may take long, and on SQLite it would block callbacks.
    pks = list(orphan_labels(before).values_list("pk", flat=True)[:BATCH])
    # Filtered again: a message may have arrived meanwhile.
    orphan_labels(before).filter(pk__in=pks).delete()
    return len(pks)


def _empty_bodies(row: Retention, before: datetime) -> int:
    reached = Retention.objects.bodies_reached()
    pks = list(bodies_after(before, reached).values_list("pk", flat=True)[:BATCH])
    if pks:
        Callback.objects.filter(pk__in=pks).update(body=b"")
        # Skipped if it was set back meanwhile, for a callback that was stored late.
        Retention.objects.filter(pk=row.pk, reached=reached).update(reached=pks[-1])
    return len(pks)


_STEPS: Final[dict[DataKind, Callable[[Retention, datetime], int]]] = {
    DataKind.MESSAGES: _delete_messages,
    DataKind.BODIES: _empty_bodies,
}
