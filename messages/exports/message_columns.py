"""The cells of an export, read in pieces, so that a million messages take no more memory than one.

By position in the list and not by a cursor of the database: a download may take minutes, and no
transaction should be open for as long.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, NamedTuple

from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.accounts.masking import mask_text, masked
from messages.domain.failure_reasons import translate_reason, translated_reasons
from messages.domain.rollup import Rollup, summarize
from messages.domain.statuses import Status
from messages.labels import labels_of
from messages.models import Instance, Label
from messages.models.functions import Epoch
from messages.models.message import reports_of
from messages.search.querysets import MessageQuerySet, Order

CHUNK: Final = 2000
# Of so few messages the events are in memory at once, for a group's may be thousands; of more as
# long as they are few.
_TOLD_AT_ONCE: Final = 20
_MAX_AT_ONCE: Final = 80
_FEW: Final = 1000
Cell = str | int | datetime
Row = tuple[Cell, ...]
# What becomes of a time, in whole seconds since 1970, in the reader's zone.
AsTime = Callable[[int, tzinfo], Cell]

_BEFORE: Final[tuple[str | Promise, ...]] = (
    gettext_lazy("Status"),
    gettext_lazy("Failure"),
    gettext_lazy("Recipient"),
    gettext_lazy("Group"),
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
_BEHIND: Final = (
    gettext_lazy("Message id"),
    "zaapId",
    gettext_lazy("Reference"),
    gettext_lazy("Label"),
)


class _Record(NamedTuple):
    """What is read of a message, in the order of the query; behind it come the times of _TIMES."""

    id: int
    rank: int
    failure: str
    phone: str
    is_group: bool
    several: bool
    instance_id: int
    zapi_id: str
    zaap_id: str
    # Of the order in which they are read, as text: but for the last of a piece nobody asks.
    moment: str


_TIMES: Final = (
    *("started_at", "dispatched_at", "sent_at", "delivered_at", "read_at", "played_at"),
    *("last_event_at", "first_heard_at"),
)


_UNLABELLED: Final = Label()


class Reader:
    """Words and zone are those of the moment in which it is made: its rows are sent later.

    A time is a datetime in `zone`, or what `as_time` makes of it; a number is an int, whatever is
    not known ''.

    `count` tells how many rows were read so far; `told` hears of it after each piece.
    """

    def __init__(
        self,
        messages: MessageQuerySet,
        *,
        order: Order,
        zone: tzinfo,
        shows_phones: bool,
        told: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.headings: tuple[str, ...] = tuple(map(str, (*_BEFORE, *_TIME_HEADINGS, *_BEHIND)))
        self.count = 0
        self._order = order
        self._messages = messages.newest_first(order)
        self._told = told
        self._zone = zone
        self._shows_phones = shows_phones
        self._instances = dict(Instance.objects.values_list("pk", "name"))
        self._words = {status: str(status.label) for status in Status}
        # What a message's own columns can word: nearly all of them.
        self._by_rank = {status.rank: Rollup(Status.of_rank(status.rank)) for status in Status}
        self._yes = _("yes")
        self._known_failures = translated_reasons()
        self._told_at_once = _TOLD_AT_ONCE

    @property
    def headings_with_zone(self) -> tuple[str, ...]:
        """For times that do not name their zone themselves."""
        times = (f"{heading} ({self._zone})" for heading in _TIME_HEADINGS)
        return tuple(map(str, (*_BEFORE, *times, *_BEHIND)))

    def is_longer_than(self, most: int) -> bool:
        return len(self._messages.values_list("id")[most : most + 1]) > 0

    def rows(self, as_time: AsTime = datetime.fromtimestamp) -> Iterator[Row]:
        """Newest first. What is newer than the first of them, when it comes, is left out."""
        chunk = self._chunk(self._messages)
        while chunk:
            records = [record for record, _times in chunk]
            labels, standings = labels_of(records), self._rollups(records)
            for record, times in chunk:
                told = standings.get(record.id) or self._by_rank[record.rank]
                label = labels.get((record.instance_id, record.zapi_id), _UNLABELLED)
                shown = ["" if at is None else as_time(at, self._zone) for at in times]
                yield self._row(record, shown, told, label)
            self.count += len(chunk)
            self._told(self.count)
            is_last = len(chunk) < CHUNK
            chunk = [] if is_last else self._chunk(self._beyond(records[-1]))

    def _beyond(self, record: _Record) -> MessageQuerySet:
        moment = datetime.fromisoformat(record.moment)
        # SQLite writes no zone.
        in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return self._messages.older_than(in_utc, record.id, self._order)

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
            self._text(record.failure and translate_reason(record.failure, self._known_failures)),
            record.phone if self._shows_phones else masked(record.phone),
            self._yes if record.is_group else "",
            *people,
            self._instances.get(record.instance_id, ""),
            *times,
            record.zapi_id,
            record.zaap_id,
            self._text(label.reference),
            self._text(label.label),
        )

    def _text(self, words: str) -> str:
        return words if self._shows_phones else mask_text(words)

    def _rollups(self, chunk: Sequence[_Record]) -> dict[int, Rollup]:
        """Of those that a message's own columns cannot word, as a page words them."""
        asked = [one.id for one in chunk if one.is_group or one.several or one.rank == 0]
        found: dict[int, Rollup] = {}
        while asked:
            some, asked = asked[: self._told_at_once], asked[self._told_at_once :]
            reports = reports_of(some)
            found |= {pk: summarize(theirs) for pk, theirs in reports.items()}
            are_few = sum(map(len, reports.values())) < _FEW
            self._told_at_once = _MAX_AT_ONCE if are_few else _TOLD_AT_ONCE
        return found
