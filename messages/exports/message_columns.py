"""Reads the cells of an export in chunks, so that memory does not grow with the number of rows.

Chunks are found by keyset and not by a database cursor, which would keep a transaction open.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, NamedTuple

from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from messages.accounts.masking import mask_text, masked
from messages.answers import Response, responses_of
from messages.domain.failures import FAILURES, Failure, failure_code, failure_text, find_failure
from messages.domain.message_kinds import MessageKind, message_kind
from messages.domain.rollup import Rollup, summarize
from messages.domain.statuses import Status
from messages.labels import labels_of
from messages.models import Instance, Label
from messages.models.functions import Epoch
from messages.models.message import reports_of
from messages.search.keyset import after
from messages.search.querysets import MessageQuerySet, Order

CHUNK: Final = 2000
# The number of messages whose events are read in one query. It is small, because a message to a
# group may have thousands of events. It is larger after a batch with fewer than FEW events.
_BATCH_SIZE: Final = 20
_MAX_BATCH_SIZE: Final = 80
FEW: Final = 1000
Cell = str | int | datetime
Row = tuple[Cell, ...]
# Formats a time, given in seconds since 1970.
AsTime = Callable[[int, tzinfo], Cell]

_HEADINGS: Final[tuple[str | Promise, ...]] = (
    gettext_lazy("Status"),
    gettext_lazy("Failure"),
    gettext_lazy("Failure code"),
    gettext_lazy("Failure category"),
    gettext_lazy("Whose problem"),
    gettext_lazy("Send again?"),
    gettext_lazy("Z-API’s text"),
    gettext_lazy("Recipient"),
    gettext_lazy("Kind"),
    gettext_lazy("Delivered to participants"),
    gettext_lazy("Read by participants"),
    gettext_lazy("Played by participants"),
    gettext_lazy("Instance"),
)
_TIME_HEADINGS: Final = (
    gettext_lazy("Started"),
    gettext_lazy("Dispatched"),
    gettext_lazy("Sent"),
    gettext_lazy("Delivered"),
    gettext_lazy("Read"),
    gettext_lazy("Played"),
    gettext_lazy("Last event"),
    gettext_lazy("First seen"),
)
_ID_HEADINGS: Final = (
    gettext_lazy("Message id"),
    gettext_lazy("Z-API id"),
    gettext_lazy("Reference"),
    gettext_lazy("Label"),
)


_RESPONSE_HEADINGS: Final = (
    gettext_lazy("Kind of answer"),
    gettext_lazy("Answered at"),
    gettext_lazy("Wrote to us at"),
)


class _Record(NamedTuple):
    """The columns read for each message, followed by those of _TIMES."""

    id: int
    rank: int
    failure: str
    phone: str
    is_group: bool
    several: bool
    instance_id: int
    zapi_id: str
    zaap_id: str
    # The value that the list is ordered by, as text. It is parsed only for the last row of a chunk.
    moment: str


_TIMES: Final = (
    *("started_at", "dispatched_at", "sent_at", "delivered_at", "read_at", "played_at"),
    *("last_event_at", "first_heard_at"),
)


_UNLABELLED: Final = Label()
_NO_RESPONSE: Final = Response()


def _labels(failure: Failure) -> tuple[str | Promise, ...]:
    return failure.category.label, failure.owner.label, failure.retry.label


class Reader:
    """Reads the rows of an export, in the language and time zone active when it is created.

    A time is a datetime in `zone`, or the result of `as_time`; an unknown value is "". `count` is
    the number of rows read so far; `on_progress` gets it after each chunk.
    """

    def __init__(
        self,
        messages: MessageQuerySet,
        *,
        order: Order,
        zone: tzinfo,
        shows_phones: bool,
        on_progress: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.headings: tuple[str, ...] = tuple(
            map(str, (*_HEADINGS, *_TIME_HEADINGS, *_ID_HEADINGS, *_RESPONSE_HEADINGS))
        )
        self.count = 0
        self._order = order
        self._messages = messages.newest_first(order)
        self._on_progress = on_progress
        self._zone = zone
        self._shows_phones = shows_phones
        self._instances = dict(Instance.objects.values_list("pk", "name"))
        self._words = {status: str(status.label) for status in Status}
        # For nearly all messages the rank alone gives the status. The others need their events (see
        # _rollups).
        self._by_rank = {status.rank: Rollup(Status.of_rank(status.rank)) for status in Status}
        self._kinds = {kind: str(kind.label) for kind in MessageKind}
        # In the language of now: the rows may be read after it has changed.
        self._failures = {
            code: tuple(map(str, (one.text, code, *_labels(one)))) for code, one in FAILURES.items()
        }
        self._no_reason = failure_text("")
        self._batch_size = _BATCH_SIZE

    @property
    def headings_with_zone(self) -> tuple[str, ...]:
        """The headings with the time zone, for times that do not include it."""
        times = (f"{heading} ({self._zone})" for heading in _TIME_HEADINGS)
        kind, *responses = _RESPONSE_HEADINGS
        responses_at = (f"{heading} ({self._zone})" for heading in responses)
        return tuple(map(str, (*_HEADINGS, *times, *_ID_HEADINGS, kind, *responses_at)))

    def is_longer_than(self, most: int) -> bool:
        return len(self._messages.values_list("id")[most : most + 1]) > 0

    def rows(self, as_time: AsTime = datetime.fromtimestamp) -> Iterator[Row]:
        """Newest first. Messages that arrive after the first chunk are left out."""
        chunk = self._chunk(self._messages)
        while chunk:
            records = [record for record, _times in chunk]
            labels, rollups = labels_of(records), self._rollups(records)
            responses = responses_of([one.id for one in records])
            for record, times in chunk:
                rollup = rollups.get(record.id) or self._by_rank[record.rank]
                label = labels.get((record.instance_id, record.zapi_id), _UNLABELLED)
                shown = ["" if at is None else as_time(at, self._zone) for at in times]
                response = responses.get(record.id, _NO_RESPONSE)
                told = [
                    "" if at is None else as_time(int(at.timestamp()), self._zone)
                    for at in (response.answered_at, response.wrote_at)
                ]
                kind = str(response.kind.label) if response.kind else ""
                yield (*self._row(record, shown, rollup, label), kind, *told)
            self.count += len(chunk)
            self._on_progress(self.count)
            is_last = len(chunk) < CHUNK
            chunk = [] if is_last else self._chunk(self._after(records[-1]))

    def _after(self, record: _Record) -> MessageQuerySet:
        moment = datetime.fromisoformat(record.moment)
        # On SQLite the text has no time zone; it is UTC.
        in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return self._messages.filter(after(self._order.newest_first, (in_utc, record.id)))

    def _chunk(self, messages: MessageQuerySet) -> list[tuple[_Record, Sequence[int | None]]]:
        times = map(Epoch, _TIMES)
        columns = (*_Record._fields[:-1], Cast(self._order, TextField()))
        read: Any = messages.values_list(*columns, *times)[:CHUNK]
        width = len(_Record._fields)
        return [(_Record._make(row[:width]), row[width:]) for row in read]

    def _row(
        self,
        record: _Record,
        times: Iterable[Cell],
        rollup: Rollup,
        label: Label,
    ) -> Row:
        tally = rollup.tally
        people = (tally.delivered, tally.read, tally.played) if tally else ("", "", "")
        word = rollup.detail if rollup.status is Status.UNKNOWN else ""
        return (
            self._text(word) or self._words[rollup.status],
            *self._failure(record),
            record.phone if self._shows_phones else masked(record.phone),
            self._kinds[message_kind(record.phone, is_group=record.is_group)],
            *people,
            self._instances.get(record.instance_id, ""),
            *times,
            record.zapi_id,
            record.zaap_id,
            self._text(label.reference),
            self._text(label.label),
        )

    def _failure(self, record: _Record) -> tuple[str, ...]:
        """Text, code, category, owner, whether to send again, and Z-API's own text."""
        raw = self._text(record.failure)
        if record.rank != Status.FAILED.rank:
            return "", "", "", "", "", raw
        if found := find_failure(record.failure):
            return *self._failures[found.code], raw
        return raw or self._no_reason, failure_code(record.failure), "", "", "", raw

    def _text(self, words: str) -> str:
        return words if self._shows_phones else mask_text(words)

    def _rollups(self, chunk: Sequence[_Record]) -> dict[int, Rollup]:
        """The rollups of messages whose own columns are not enough."""
        asked = [one.id for one in chunk if one.is_group or one.several or one.rank == 0]
        found: dict[int, Rollup] = {}
        while asked:
            some, asked = asked[: self._batch_size], asked[self._batch_size :]
            reports = reports_of(some)
            found |= {pk: summarize(theirs) for pk, theirs in reports.items()}
            are_few = sum(map(len, reports.values())) < FEW
            self._batch_size = _MAX_BATCH_SIZE if are_few else _BATCH_SIZE
        return found
