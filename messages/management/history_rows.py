"""Store generated messages as table rows, and count them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from random import getrandbits
from typing import Any, Final

from django.db import connection, transaction

from messages.domain.addresses import person_key
from messages.domain.failures import failure_code
from messages.domain.statuses import Status
from messages.ingest.merge_rules import EVENT_COLUMNS, MESSAGE_COLUMNS
from messages.models import Alias, KnownAddress, Message, StatusEvent, TouchedHour
from messages.summaries import mark_since, recompute

from .history import GeneratedMessage, History

_CHUNK: Final = 20_000
Row = tuple[Any, ...]


def store(history: History, say: Callable[[str], None] = lambda words: None) -> tuple[int, int]:
    """Store the messages and count their hours. Return the number of messages and events."""
    lives, messages, events, next_id = history.lives(), 0, 0, last_id() + 1
    while chunk := list(islice(lives, _CHUNK)):
        with transaction.atomic():
            events += _store_lives(chunk, next_id)
        next_id += len(chunk)
        messages += len(chunk)
        say(f"{messages:,} messages")
    KnownAddress.objects.remember_all()
    say("Counting hours ...")
    mark_since(history.since)
    while TouchedHour.objects.exists():
        recompute()
    _tidy()
    return messages, events


def last_id() -> int:
    return Message.objects.order_by("-id").values_list("id", flat=True).first() or 0


def _store_lives(lives: Sequence[GeneratedMessage], first_id: int) -> int:
    events = [row for pk, life in enumerate(lives, first_id) for row in _event_rows(pk, life)]
    rows = [_message_row(pk, life) for pk, life in enumerate(lives, first_id)]
    _insert(Message._meta.db_table, f"id, {MESSAGE_COLUMNS}", rows)
    _insert(StatusEvent._meta.db_table, EVENT_COLUMNS, events)
    Alias.objects.bulk_create(_aliases(lives), ignore_conflicts=True)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # COPY with explicit ids does not advance the sequence.
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)",
                [Message._meta.db_table, first_id + len(lives) - 1],
            )
    return len(events)


def _message_row(pk: int, life: GeneratedMessage) -> Row:
    """Return the values of a message, in the order of MESSAGE_COLUMNS."""
    reason = max(step.reason for step in life.steps)
    return (
        *(pk, life.instance_id, life.zapi_id, life.zaap_id, life.rank, life.phone),
        *(int(life.is_group), int(life.is_several), int(life.is_inbound)),
        _written(min(step.arrived for step in life.steps)),
        _written(min(step.at for step in life.steps)),
        _written(max(step.at for step in life.steps)),
        _written(life.first(Status.DISPATCHED, Status.PENDING)),
        _written(life.first(Status.SENT)),
        _written(life.first(Status.FAILED)),
        reason,
        failure_code(reason) if life.rank == Status.FAILED.rank else "",
        _written(life.first(Status.RECEIVED)),
        _written(life.first(Status.READ)),
        _written(life.first(Status.PLAYED)),
        _written(life.first(Status.READ_BY_ME, Status.PLAYED_BY_ME)),
    )


def _event_rows(message_id: int, life: GeneratedMessage) -> Iterator[Row]:
    """Return the values of an event, in the order of EVENT_COLUMNS.

    An event with the same identity is left out, because the table has a unique constraint.
    """
    seen: set[Row] = set()
    for step in life.steps:
        identity = (step.raw, step.at, step.participant, step.device)
        if identity in seen:
            continue
        seen.add(identity)
        yield (
            *(message_id, step.source, step.status.value, step.raw, str(step.at * 1000)),
            *(_written(step.at), 0, _written(step.arrived), step.phone, step.participant),
            *(step.device, step.reason, step.repeats, _callback_id(step.arrived)),
        )


def _aliases(lives: Iterable[GeneratedMessage]) -> list[Alias]:
    pairs = {
        (life.instance_id, step.phone, person_key(life.phone))
        for life in lives
        if life.is_several
        for step in life.steps
        if step.phone.endswith("@lid")
    }
    return [Alias(instance_id=pk, lid=lid, number=number) for pk, lid, number in sorted(pairs)]


def _written(at: float | None) -> str | None:
    if at is None:
        return None
    # A time in UTC without a zone. PostgreSQL reads it in the connection's time zone, which Django
    # sets to UTC. On SQLite, Django reads it as UTC.
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(" ")


def _callback_id(arrived: float) -> str:
    """A UUIDv7, like the ids that the webhook endpoint creates."""
    return f"{int(arrived * 1000):012x}7{getrandbits(12):03x}8{getrandbits(60):015x}"


def _insert(table: str, columns: str, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                copy.write("".join(map(_line, rows)))
        else:
            marks = ", ".join(["%s"] * (columns.count(",") + 1))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608


def _line(row: Row) -> str:
    """A line for COPY.

    Nothing is escaped, because no value contains a tab, line break or backslash.
    """
    return "\t".join(["\\N" if value is None else str(value) for value in row]) + "\n"


def _tidy() -> None:
    """Update the statistics and, in PostgreSQL, the visibility map.

    The database would have updated them by now if the rows had been added slowly.
    """
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
