"""Rebuilds messages and events from the stored callbacks.

The rebuilt rows are equal to the original ones.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Sum

from messages.domain.causes import plain_cause_text
from messages.models import Callback, Instance, Message, Outcome, StatusEvent
from messages.zapi.payloads import TYPES_WITHOUT_STATUS
from statusboard.batched import batches

from .entries import Entry, read
from .quarantine_replay import delivery_of
from .store import backend

Progress = Callable[[int], None]
# Messages per query. The databases do not accept many more parameters.
_MESSAGES_PER_QUERY = 20_000
# Callbacks about these messages wait until the transaction ends.
_MESSAGES_PER_TRANSACTION = 200
# Retries for messages that changed meanwhile. After these, the messages are locked before the
# lookup.
ROUNDS = 3

_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
# A message without events. The merge rules then give the same result as for a new message.
_BLANK = {
    "zaap_id": "",
    "rank": 0,
    "phone": "",
    "is_group": False,
    "several": False,
    "inbound": True,
    "first_heard_at": _NEVER,
    "started_at": _NEVER,
    "failure": "",
    "failure_code": "",
    **dict.fromkeys(
        (
            *("last_event_at", "dispatched_at", "sent_at", "failed_at"),
            *("delivered_at", "read_at", "played_at", "by_us_at"),
        )
    ),
}


class RebuildRefusedError(Exception):
    """Some of the callbacks are missing. The text says which."""


@dataclass(frozen=True, slots=True)
class Period:
    since: datetime
    until: datetime


@dataclass(slots=True)
class RebuildResult:
    messages: int = 0
    callbacks: int = 0


def rebuild(
    period: Period,
    instances: QuerySet[Instance],
    *,
    dry_run: bool = False,
    progress: Progress = lambda done: None,
) -> RebuildResult:
    """Rebuild each message with a callback in the period, from all callbacks about it.

    It may be interrupted and repeated: each transaction rewrites some hundred messages completely.
    Raises RebuildRefusedError, before any change, if some of the callbacks were purged.
    """
    result = RebuildResult()
    affected = {instance: _affected(instance, period) for instance in instances}
    for instance, names in affected.items():
        _require_evidence(instance, names, period)
    for instance, names in affected.items():
        for some in batches(sorted(names), _MESSAGES_PER_QUERY):
            rebuilding = _Rebuild(instance, result, progress)
            rebuilding.count(some) if dry_run else rebuilding.run(some)
    return result


def _evidence(instance: Instance) -> QuerySet[Callback]:
    """The callbacks from which the messages of an instance were built."""
    understood = (Outcome.APPLIED, Outcome.REPEATED)
    found = Callback.objects.filter(instance=instance, outcome__in=understood)
    return found.exclude(type__in=TYPES_WITHOUT_STATUS)


def _evidence_in(instance: Instance, period: Period) -> QuerySet[Callback]:
    return _evidence(instance).filter(received_at__gte=period.since, received_at__lt=period.until)


def _affected(instance: Instance, period: Period) -> set[str]:
    kept = _evidence_in(instance, period).exclude(body=b"")
    names = {name for entry in _entries(kept) for name in _message_ids(entry)}
    # Include messages that an older release built differently from the same callbacks.
    events = StatusEvent.objects.filter(
        message__instance=instance,
        received_at__gte=period.since,
        received_at__lt=period.until,
    )
    return names | set(events.values_list("message__zapi_id", flat=True).distinct())


def _require_evidence(instance: Instance, names: Iterable[str], period: Period) -> None:
    if number := _evidence_in(instance, period).filter(body=b"").count():
        raise RebuildRefusedError(_purged_message(instance, number))
    for some in batches(sorted(names), _MESSAGES_PER_QUERY):
        events = StatusEvent.objects.filter(message__instance=instance, message__zapi_id__in=some)
        kept = Callback.objects.filter(pk=OuterRef("callback_id"))
        number = events.exclude(Exists(kept)).count()
        number = number or _evidence_of(instance, some).filter(body=b"").count()
        if number:
            raise RebuildRefusedError(_purged_message(instance, number))


def _purged_message(instance: Instance, number: int) -> str:
    return (
        f"{instance}: {number} callbacks of these messages were purged, so the messages cannot be "
        "rebuilt. Nothing was changed."
    )


def _evidence_of(instance: Instance, names: Sequence[str]) -> QuerySet[Callback]:
    """The callbacks that may be about these messages: those since the first of them was seen."""
    known = Message.objects.filter(instance=instance, zapi_id__in=names)
    messages = known.exclude(first_heard_at=_NEVER)
    earliest = messages.aggregate(earliest=Min("first_heard_at"))["earliest"]
    is_new = messages.count() < len(names)
    evidence = _evidence(instance)
    return evidence if is_new or not earliest else evidence.filter(received_at__gte=earliest)


def _entries(callbacks: QuerySet[Callback]) -> Iterator[Entry]:
    for callback in callbacks.select_related("instance").order_by("id").iterator(chunk_size=1000):
        yield _entry(callback)


def _entry(callback: Callback) -> Entry:
    entry = read(delivery_of(callback))
    if entry.outcome == Outcome.QUARANTINED:
        raise RebuildRefusedError(
            f"The callback {callback.pk} was parsed earlier but now fails. "
            f"{plain_cause_text(entry.cause, entry.cause_values)}"
        )
    return entry


def _message_ids(entry: Entry) -> tuple[str, ...]:
    return entry.status.message_ids if entry.status else ()


@dataclass(frozen=True, slots=True)
class _Sources:
    # The number of callbacks of each message. It changes when another one arrives.
    applied: dict[str, int]
    callbacks: dict[str, list[UUID]]


@dataclass(slots=True)
class _Rebuild:
    """Rebuilds some messages of one instance."""

    instance: Instance
    result: RebuildResult
    progress: Progress

    def count(self, names: list[str]) -> None:
        """Count what run() would rebuild, and change nothing."""
        callbacks = self._callbacks(names)
        self.result.messages += len(names)
        self.result.callbacks += len(set().union(*callbacks.values()))

    def run(self, names: list[str]) -> None:
        for _ in range(ROUNDS):
            found = self._look_up(names)
            names = [
                name
                for some in batches(names, _MESSAGES_PER_TRANSACTION)
                for name in self._rewrite(some, found)
            ]
            if not names:
                return
        for some in batches(names, _MESSAGES_PER_TRANSACTION):
            self._rewrite(some)

    def _look_up(self, names: list[str]) -> _Sources:
        # Count the events first: if a callback arrives between the two queries, the later
        # comparison notices it.
        return _Sources(self._applied(names), self._callbacks(names))

    def _applied(self, names: list[str]) -> dict[str, int]:
        events = StatusEvent.objects.filter(
            message__instance=self.instance, message__zapi_id__in=names
        )
        counted = events.order_by().values_list("message__zapi_id")
        return dict(counted.annotate(number=Sum(F("repeats") + 1)))

    def _callbacks(self, names: list[str]) -> dict[str, list[UUID]]:
        wanted, found = set(names), defaultdict(list)
        for entry in _entries(_evidence_of(self.instance, names)):
            for name in wanted.intersection(_message_ids(entry)):
                found[name].append(entry.delivery.id)
        return found

    def _rewrite(self, names: list[str], found: _Sources | None = None) -> list[str]:
        """Rewrite the messages.

        Return those that were skipped because they changed since the lookup. Without `found`, the
        lookup happens under the lock, and new callbacks wait for it.
        """
        with transaction.atomic():
            self._lock(names)
            found = found or self._look_up(names)
            now = self._applied(names)
            still = {name for name in names if now.get(name) == found.applied.get(name)}
            messages = Message.objects.filter(instance=self.instance, zapi_id__in=still)
            messages.update(**_BLANK)
            StatusEvent.objects.filter(message__in=messages).delete()
            ids = sorted({callback for name in still for callback in found.callbacks.get(name, ())})
            for some in batches(ids, _MESSAGES_PER_QUERY):
                for entry in _entries(Callback.objects.filter(pk__in=some)):
                    self._derive(entry, still)
            # Delete messages that no callback mentions: they are still blank.
            messages.filter(first_heard_at=_NEVER).delete()
        self.result.messages += len(still)
        self.result.callbacks += len(ids)
        self.progress(self.result.messages)
        return [name for name in names if name not in still]

    def _lock(self, names: list[str]) -> None:
        """Lock the messages. Unknown ones are created blank, so that a first callback waits too."""
        Message.objects.bulk_create(
            (Message(instance=self.instance, zapi_id=name, **_BLANK) for name in names),
            ignore_conflicts=True,
        )
        Message.objects.lock(Q(instance=self.instance, zapi_id__in=names))

    def _derive(self, entry: Entry, names: set[str]) -> None:
        if entry.status is None:
            return
        ids = tuple(name for name in entry.status.message_ids if name in names)
        status = replace(entry.status, message_ids=ids)
        backend().derive(replace(entry, status=status), self.instance.pk)
