"""The cells of an export, read in pieces, so that a million messages take no more memory than one.

By position in the list and not by a cursor of the database: a download may take minutes, and no
transaction should be open for as long.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.access.masking import mask_text, masked
from messages.finding.queries import MessageQuerySet
from messages.labels import labels_of
from messages.models import Instance, Label, StatusEvent
from messages.models.epoch import Epoch
from messages.statuses import Status

CHUNK: Final = 2000
Row = tuple[str, ...]

HEADINGS: Final[tuple[str | Promise, ...]] = (
    gettext_lazy("Status"),
    gettext_lazy("Failure"),
    gettext_lazy("Recipient"),
    gettext_lazy("Group"),
    gettext_lazy("Delivered to participants"),
    gettext_lazy("Read by participants"),
    gettext_lazy("Instance"),
    gettext_lazy("Started"),
    gettext_lazy("Accepted"),
    gettext_lazy("Sent"),
    gettext_lazy("Delivered"),
    gettext_lazy("Read"),
    gettext_lazy("Played"),
    gettext_lazy("Last event"),
    gettext_lazy("First heard"),
    gettext_lazy("Message id"),
    "zaapId",
    gettext_lazy("Reference"),
    gettext_lazy("Label"),
)


class _Record(NamedTuple):
    """What is read of a message, in the order of the query; behind it come the times of _TIMES."""

    id: int
    rank: int
    inbound: bool
    failure: str
    phone: str
    is_group: bool
    instance_id: int
    zapi_id: str
    zaap_id: str
    first_heard_at: datetime


_TIMES: Final = (
    *("started_at", "accepted_at", "sent_at", "delivered_at", "read_at", "played_at"),
    *("last_event_at", "first_heard_at"),
)


class Reader:
    """Words and zone are those of the moment in which it is made: its rows are sent later.

    `count` tells how many rows were read so far; `told` hears of it after each piece.
    """

    def __init__(
        self,
        messages: MessageQuerySet,
        *,
        zone: tzinfo,
        shows_phones: bool,
        told: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.headings: Row = tuple(map(str, HEADINGS))
        self.count = 0
        self._messages = messages.select_related(None).newest_first()
        self._told = told
        self._zone = zone
        self._shows_phones = shows_phones
        self._instances = dict(Instance.objects.values_list("pk", "name"))
        self._statuses = {status.rank: str(Status.of_rank(status.rank).label) for status in Status}
        self._by_us, self._yes = str(Status.READ_BY_ME.label), _("yes")

    def is_longer_than(self, most: int) -> bool:
        return len(self._messages.values_list("id")[most : most + 1]) > 0

    def rows(self) -> Iterator[Row]:
        """Newest first. Messages that are heard of meanwhile are left out."""
        chunk = self._chunk(self._messages)
        while chunk:
            records = [record for record, _times in chunk]
            labels, people = labels_of(records), self._people(records)
            for record, times in chunk:
                label = labels.get((record.instance_id, record.zapi_id)) or Label()
                yield self._row(record, times, people.get(record.id, ("", "")), label)
            self.count += len(chunk)
            self._told(self.count)
            last = records[-1]
            is_last = len(chunk) < CHUNK
            chunk = (
                []
                if is_last
                else self._chunk(self._messages.older_than(last.first_heard_at, last.id))
            )

    def _chunk(self, messages: MessageQuerySet) -> list[tuple[_Record, Sequence[int | None]]]:
        times = map(Epoch, _TIMES)
        read: Any = messages.values_list(*_Record._fields, *times)[:CHUNK]
        width = len(_Record._fields)
        return [(_Record._make(row[:width]), row[width:]) for row in read]

    def _row(
        self,
        record: _Record,
        times: Sequence[int | None],
        people: Sequence[str],
        label: Label,
    ) -> Row:
        by_us = record.inbound and record.rank == 0
        return (
            self._by_us if by_us else self._statuses[record.rank],
            self._text(record.failure),
            record.phone if self._shows_phones else masked(record.phone),
            self._yes if record.is_group else "",
            *people,
            self._instances.get(record.instance_id, ""),
            *(
                datetime.fromtimestamp(at, self._zone).isoformat() if at is not None else ""
                for at in times
            ),
            record.zapi_id,
            record.zaap_id,
            self._text(label.reference),
            self._text(label.label),
        )

    def _text(self, words: str) -> str:
        return words if self._shows_phones else mask_text(words)

    def _people(self, chunk: Sequence[_Record]) -> dict[int, tuple[str, str]]:
        """Of groups, how many participants it was delivered to and read by: one is not all."""
        groups = [record.id for record in chunk if record.is_group]
        reached: dict[int, dict[str, int]] = defaultdict(dict)
        told = StatusEvent.objects.filter(message__in=groups).exclude(participant="")
        counted: Any = told.values_list("message", "status").annotate(
            Count("participant", distinct=True)
        )
        for message, status, count in counted:
            reached[message][status] = count
        return {
            message: (
                str(statuses.get(Status.RECEIVED, "")),
                str(statuses.get(Status.READ, "")),
            )
            for message, statuses in reached.items()
        }
