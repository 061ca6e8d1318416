"""Lists the tables that hold data of a person, and how to find the rows.

Messages are found by an index. Mentions within a text or among a group's events have no index,
because it would slow down every callback. Those tables are read a few thousand rows at a time,
which limits memory and locks.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from django.db.models import (
    BinaryField,
    F,
    Func,
    IntegerField,
    Model,
    Q,
    QuerySet,
    Value,
)
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messages.accounts.encrypted_addresses import decrypt_address
from messages.domain import addresses
from messages.ingest import spool
from messages.models import (
    Alias,
    Answer,
    Callback,
    FollowUp,
    Forward,
    Incident,
    KnownAddress,
    Label,
    Message,
    OtherAddress,
    SavedView,
    SpooledCallback,
    StatusEvent,
    Writing,
)

from .person import Person

SLICE_SIZE: Final = 5000

# Models without data of the people that messages go to. AuditEvent, Erasure and ErasedMessage hold
# keyed hashes only. Summaries and Rhythm hold counts. Hold names a recipient, encrypted, only while
# it forbids the erasure.
WITHOUT_PERSONAL_DATA: Final = {
    *("Account", "ApiKey", "ApiKeyLimit", "AuditEvent", "Batch", "BatchRow", "Channel"),
    *(
        "DailyFailure",
        "DailySummary",
        "ErasedMessage",
        "Erasure",
        "ForwardLine",
        "Hold",
        "HourlySummary",
        "Instance",
        "Notification",
    ),
    *(
        "PasswordResetRequest",
        "NumberSearches",
        "QueueReading",
        "QueuedMail",
        "Retention",
        "Rhythm",
        "Tag",
        "Throttle",
        "TouchedHour",
        "JobLease",
        "UserLimit",
        "Webhook",
        "WorkerBeat",
    ),
}
# Export files are compressed and cannot be searched. They are deleted after a day, and by every
# erasure.
UNSEARCHABLE: Final = {"ExportJob", "ExportPiece"}


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` filters the rows of a person.

    The input is a slice of the table, or the whole table if `indexed`.
    """

    model: type[Model]
    label: Promise
    rows: Callable[[Person, QuerySet[Any]], QuerySet[Any]]
    indexed: bool = False
    # Verifies a row, because the database only finds rows whose text may mention the person.
    is_really: Callable[[Person, Any], bool] = lambda person, row: True

    def slices(self, person: Person, after: Any = None) -> Iterator[tuple[list[Any], Any]]:
        """Yield the person's rows in slices, each with the last primary key that was read."""
        for rows, last in _slices(self.model._default_manager.all(), after):
            found = self.rows(person, rows)
            yield [row for row in found if self.is_really(person, row)], last

    def drop(self, person: Person) -> Iterator[int]:
        """Delete the person's rows in slices; yield how many each time."""
        for rows, _last in self.slices(person):
            mine = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
            yield mine.delete()[0]


class _Spool(Table):
    """This server's spool file, which may not exist. Raises SpoolUnavailableError."""

    def slices(self, person: Person, after: Any = None) -> Iterator[tuple[list[Any], Any]]:
        if spool.exists():
            with spool.opened():
                yield from super().slices(person, after)

    def drop(self, person: Person) -> Iterator[int]:
        if spool.exists():
            with spool.opened():
                yield from super().drop(person)


def _slices(rows: QuerySet[Any], after: Any) -> Iterator[tuple[QuerySet[Any], Any]]:
    rest = rows.order_by("pk")
    while True:
        following = rest.filter(pk__gt=after) if after is not None else rest
        ends = list(following.values_list("pk", flat=True)[:SLICE_SIZE])
        if not ends:
            return
        yield rest.filter(pk__gte=ends[0], pk__lte=ends[-1]), ends[-1]
        after = ends[-1]


class _Position(Func):
    """The position of some bytes within others, 0 if they are not found."""

    function = "INSTR"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        clone = self.copy()
        clone.set_source_expressions(self.get_source_expressions()[::-1])
        return clone.as_sql(
            compiler, connection, **context | {"function": "POSITION", "arg_joiner": " IN "}
        )


def _mentioning(person: Person, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows whose body may mention the person; `is_really` checks them."""
    places = {
        f"place_{number}": _Position(F("body"), Value(digits.encode(), output_field=BinaryField()))
        for number, digits in enumerate(person.digits)
    }
    anywhere = Q(*((f"{place}__gt", 0) for place in places), _connector=Q.OR)
    found: QuerySet[Any] = rows.alias(**places).filter(anywhere)
    return found


def _body_names(person: Person, row: Any) -> bool:
    return person.is_named_in(bytes(row.body))


def _waiting_for_worker(person: Person, follow_ups: QuerySet[Any]) -> QuerySet[Any]:
    """Rows whose body may mention the person, or whose inbound message is from the person."""
    mentioning = _mentioning(person, follow_ups).values("pk")
    wrote = Q(inbound__author__in=person.names)
    return follow_ups.filter(Q(pk__in=mentioning) | _names_one_of(person) | wrote)


def _is_waiting_for_worker(person: Person, follow_up: FollowUp) -> bool:
    author = (follow_up.inbound or {}).get("author")
    named = {follow_up.lid, follow_up.number, author} & set(person.names)
    return bool(named) or person.is_named_in(bytes(follow_up.body or b""))


def _names_one_of(person: Person) -> Q:
    return Q(lid__in=person.names) | Q(number__in=person.names)


def _messages_of(person: Person, messages: QuerySet[Any]) -> QuerySet[Any]:
    others = OtherAddress.objects.filter(phone__in=person.addresses).values("message")
    return messages.filter(Q(phone__in=person.addresses) | Q(pk__in=others))


def _events_of(person: Person, events: QuerySet[Any]) -> QuerySet[Any]:
    return events.filter(Q(phone__in=person.addresses) | Q(participant__in=person.addresses))


def _typed_in(*columns: str) -> Callable[[Person, QuerySet[Any]], QuerySet[Any]]:
    """Rows where people typed the number, with any separators."""

    def rows(person: Person, all_rows: QuerySet[Any]) -> QuerySet[Any]:
        wanted = ((f"{column}__regex", person.typed_pattern) for column in columns)
        return all_rows.filter(Q(*wanted, _connector=Q.OR))

    return rows


def _labels(person: Person, labels: Any) -> QuerySet[Any]:
    """Labels of the person's messages, and labels that contain the number."""
    written = _typed_in("label", "reference")(person, labels)
    found: QuerySet[Any] = (
        labels.with_a_message_in(_messages_of(person, Message.objects.all())) | written
    )
    return found


def _searches_for(person: Person, view: SavedView) -> bool:
    """Whether a saved view searches for the person, in any format of the number."""
    query = parse_qs(view.query)
    texts = [text for values in query.values() for text in values] + [view.name]
    if {decrypt_address(text) for text in query.get("recipient", [])} & set(person.names):
        return True
    numbers = {
        addresses.person_key(number) for text in texts for number in addresses.full_numbers(text)
    }
    is_written = any(re.search(person.typed_pattern, text) for text in texts)
    return is_written or bool(numbers & set(person.names))


MESSAGES: Final = Table(Message, _("Messages"), _messages_of, indexed=True)
EVENTS: Final = Table(StatusEvent, _("Events, including groups"), _events_of)
CALLBACKS: Final = Table(Callback, _("Raw callbacks"), _mentioning, is_really=_body_names)
TABLES: Final[dict[str, Table]] = {
    "messages": MESSAGES,
    "other addresses": Table(
        OtherAddress,
        _("Other addresses of messages"),
        lambda person, rows: rows.filter(phone__in=person.addresses),
        indexed=True,
    ),
    "known addresses": Table(
        KnownAddress,
        _("Addresses (search index)"),
        lambda person, rows: rows.filter(address__in=person.addresses),
        indexed=True,
    ),
    "aliases": Table(
        Alias,
        _("Number–LID links"),
        lambda person, rows: rows.filter(_names_one_of(person)),
        indexed=True,
    ),
    "answers": Table(
        Answer,
        _("Answers to messages"),
        lambda person, rows: rows.filter(author__in=person.names),
    ),
    "writings": Table(
        Writing,
        _("Times at which somebody wrote"),
        lambda person, rows: rows.filter(address__in=person.addresses),
        indexed=True,
    ),
    "labels": Table(Label, _("Labels"), _labels),
    "saved views": Table(
        SavedView, _("Saved views"), lambda person, rows: rows, is_really=_searches_for
    ),
    "incidents": Table(Incident, _("Notes on problems"), _typed_in("note")),
    "events": EVENTS,
    "callbacks": CALLBACKS,
    "follow-ups": Table(
        FollowUp,
        _("Callbacks waiting for the worker"),
        _waiting_for_worker,
        is_really=_is_waiting_for_worker,
    ),
    "forwards": Table(Forward, _("Callbacks to forward"), _mentioning, is_really=_body_names),
    "spool": _Spool(
        SpooledCallback,
        _("Callbacks in this server’s offline buffer"),
        _mentioning,
        is_really=_body_names,
    ),
}
