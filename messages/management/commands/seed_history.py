"""Fill the database with generated messages, to test how Statusboard performs with many."""

import time
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import getrandbits
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.utils import timezone

from messages.domain.addresses import person_key
from messages.domain.failures import failure_code
from messages.domain.statuses import Status
from messages.ingest.merge_rules import EVENT_COLUMNS, MESSAGE_COLUMNS
from messages.management.history import GeneratedMessage, History
from messages.models import (
    Account,
    Alias,
    Instance,
    KnownAddress,
    Message,
    StatusEvent,
    TouchedHour,
)
from messages.summaries import mark_since, recompute

PREFIX: Final = "history."
_CHUNK: Final = 20_000
Row = tuple[Any, ...]


class Command(BaseCommand):
    help = (
        "Adds generated messages and events, without raw callbacks. For testing only: they look "
        "like real messages except for their instances."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--messages", type=_positive, required=True, help="number of messages")
        parser.add_argument("--days", type=_positive, default=60, help="days of history (60)")
        parser.add_argument(
            "--instances", type=_positive, default=12, help="number of instances (12)"
        )
        parser.add_argument("--seed", default="1", help="the same seed gives the same history")
        parser.add_argument(
            "--existing",
            action="store_true",
            help="use the existing instances, and leave out the last 24 hours",
        )
        parser.add_argument(
            "--unread",
            action="append",
            default=[],
            metavar="ID",
            help="an instance whose read receipts are off: no message of it is read",
        )
        parser.add_argument(
            "--force", action="store_true", help="run even if there are real instances"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        real = Instance.objects.exclude(zapi_id__startswith=PREFIX)
        if real.exists() and not options["force"]:
            raise CommandError(
                "This database has real instances. Generated messages would distort their figures. "
                "Use an empty database, or --force."
            )
        began, now = time.monotonic(), timezone.now()
        if options["existing"]:
            now -= timedelta(days=1)
            instances = list(Instance.objects.active().order_by("pk"))
        else:
            instances = _instances(options["instances"])
        history = History(
            messages=options["messages"],
            days=options["days"],
            instances=[one.pk for one in instances],
            # The seed includes the last id, so that a second run generates different messages.
            seed=f"{options['seed']} {_last_id()}",
            now=now.timestamp(),
        )
        history.unread = {one.pk for one in instances if one.zapi_id in options["unread"]}
        messages, events = self._store(history, options["messages"])
        KnownAddress.objects.remember_all()
        self._say("Counting hours ...")
        mark_since(now - timedelta(days=options["days"] + 4))
        while TouchedHour.objects.exists():
            recompute()
        _tidy()
        took = time.monotonic() - began
        self.stdout.write(f"{messages:,} messages and {events:,} events in {took:.0f} s.")

    def _store(self, history: History, expected: int) -> tuple[int, int]:
        lives, messages, events, next_id = history.lives(), 0, 0, _last_id() + 1
        while chunk := list(islice(lives, _CHUNK)):
            with transaction.atomic():
                events += _store_lives(chunk, next_id)
            next_id += len(chunk)
            messages += len(chunk)
            self._say(f"{messages:,} of {expected:,} messages")
        return messages, events

    def _say(self, words: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{words}    ", ending="")


def _positive(text: str) -> int:
    number = int(text.replace(",", "").replace("_", ""))
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def _instances(count: int) -> list[Instance]:
    account, _ = Account.objects.get_or_create(name="History")
    return [
        Instance.objects.get_or_create(
            zapi_id=f"{PREFIX}{number}", defaults={"account": account, "name": f"Loja {number}"}
        )[0]
        for number in range(1, count + 1)
    ]


def _last_id() -> int:
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
