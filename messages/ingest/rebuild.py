"""Messages and events derived anew from the evidence, ending in the same rows."""

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
# What one look through the evidence gathers. Neither database takes many more names in a query.
_MESSAGES_AT_ONCE = 20_000
# What one transaction rewrites: a callback of these messages waits for as long as that takes.
_MESSAGES_PER_TRANSACTION = 200
# How often messages are looked up again that callbacks came for meanwhile, before they are locked.
_ROUNDS = 3

_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
# A message of which nothing was reported: what the rules of truth add to it stands alone.
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
    **dict.fromkeys(
        (
            *("last_event_at", "dispatched_at", "sent_at", "failed_at"),
            *("delivered_at", "read_at", "played_at", "by_us_at"),
        )
    ),
}


class RebuildRefusedError(Exception):
    """The evidence does not suffice; the text says what is missing."""


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
    """Derive anew every message that a callback of the period speaks of, from all its callbacks.

    Can be stopped at any moment and started again: messages are rewritten some hundreds at a time,
    each wholly or not at all. Raises RebuildRefusedError, before anything is changed, where
    evidence was purged.
    """
    result = RebuildResult()
    affected = {instance: _affected(instance, period) for instance in instances}
    for instance, names in affected.items():
        _require_evidence(instance, names, period)
    for instance, names in affected.items():
        for some in batches(sorted(names), _MESSAGES_AT_ONCE):
            rebuilding = _Rebuild(instance, result, progress)
            rebuilding.look(some) if dry_run else rebuilding.run(some)
    return result


def _evidence(instance: Instance) -> QuerySet[Callback]:
    """What messages were derived from."""
    understood = (Outcome.APPLIED, Outcome.REPEATED)
    found = Callback.objects.filter(instance=instance, outcome__in=understood)
    return found.exclude(type__in=TYPES_WITHOUT_STATUS)


def _heard(instance: Instance, period: Period) -> QuerySet[Callback]:
    return _evidence(instance).filter(received_at__gte=period.since, received_at__lt=period.until)


def _affected(instance: Instance, period: Period) -> set[str]:
    kept = _heard(instance, period).exclude(body=b"")
    names = {name for entry in _entries(kept) for name in _named(entry)}
    # And what an older reading of the same callbacks made of them.
    events = StatusEvent.objects.filter(
        message__instance=instance,
        received_at__gte=period.since,
        received_at__lt=period.until,
    )
    return names | set(events.values_list("message__zapi_id", flat=True).distinct())


def _require_evidence(instance: Instance, names: Iterable[str], period: Period) -> None:
    if number := _heard(instance, period).filter(body=b"").count():
        raise RebuildRefusedError(_purged(instance, number))
    for some in batches(sorted(names), _MESSAGES_AT_ONCE):
        events = StatusEvent.objects.filter(message__instance=instance, message__zapi_id__in=some)
        kept = Callback.objects.filter(pk=OuterRef("callback_id"))
        number = events.exclude(Exists(kept)).count()
        number = number or _evidence_of(instance, some).filter(body=b"").count()
        if number:
            raise RebuildRefusedError(_purged(instance, number))


def _purged(instance: Instance, number: int) -> str:
    return (
        f"{instance}: {number} callbacks that these messages were made of were purged, so what "
        "they said could not be derived again. Nothing was changed."
    )


def _evidence_of(instance: Instance, names: Sequence[str]) -> QuerySet[Callback]:
    """All that can speak of these messages: no callback came before the message was heard of."""
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
            f"The callback {callback.pk} was understood once and is not any more. "
            f"{plain_cause_text(entry.cause, entry.cause_values)}"
        )
    return entry


def _named(entry: Entry) -> tuple[str, ...]:
    return entry.status.message_ids if entry.status else ()


@dataclass(frozen=True, slots=True)
class _Found:
    # How many callbacks each message was made of: it changes when another one comes.
    applied: dict[str, int]
    callbacks: dict[str, list[UUID]]


@dataclass(slots=True)
class _Rebuild:
    """Some messages of one instance: first looked up in the evidence, then rewritten."""

    instance: Instance
    result: RebuildResult
    progress: Progress

    def look(self, names: list[str]) -> None:
        """Only count what run() would do."""
        callbacks = self._callbacks(names)
        self.result.messages += len(names)
        self.result.callbacks += len(set().union(*callbacks.values()))

    def run(self, names: list[str]) -> None:
        for _ in range(_ROUNDS):
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

    def _look_up(self, names: list[str]) -> _Found:
        # In this order: a callback that comes in between changes the number that is compared.
        return _Found(self._applied(names), self._callbacks(names))

    def _applied(self, names: list[str]) -> dict[str, int]:
        events = StatusEvent.objects.filter(
            message__instance=self.instance, message__zapi_id__in=names
        )
        counted = events.order_by().values_list("message__zapi_id")
        return dict(counted.annotate(number=Sum(F("repeats") + 1)))

    def _callbacks(self, names: list[str]) -> dict[str, list[UUID]]:
        wanted, found = set(names), defaultdict(list)
        for entry in _entries(_evidence_of(self.instance, names)):
            for name in wanted.intersection(_named(entry)):
                found[name].append(entry.delivery.id)
        return found

    def _rewrite(self, names: list[str], found: _Found | None = None) -> list[str]:
        """Gives those that changed since they were looked up, and so were left alone.

        Without `found` it looks them up itself, and their callbacks wait for as long as that takes.
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
            for some in batches(ids, _MESSAGES_AT_ONCE):
                for entry in _entries(Callback.objects.filter(pk__in=some)):
                    self._derive(entry, still)
            # Blank ones are left where no callback speaks of the message any more.
            messages.filter(first_heard_at=_NEVER).delete()
        self.result.messages += len(still)
        self.result.callbacks += len(ids)
        self.progress(self.result.messages)
        return [name for name in names if name not in still]

    def _lock(self, names: list[str]) -> None:
        """Also against a first callback: a blank message holds the place of one not yet known."""
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
