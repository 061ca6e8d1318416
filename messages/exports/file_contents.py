"""The content of each kind of export: its row count, its bytes and who may have it.

Everything is read with the user's current permissions.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from messages.accounts.masking import sees_phones
from messages.accounts.scope import Viewer, is_limited
from messages.ingest import SpoolUnavailableError
from messages.models import AuditEvent, ExportJob, ExportKind
from messages.privacy import export as export_person
from messages.privacy import find_person
from messages.search.criteria import Criteria

from .audit_log import audit_events, audit_lines
from .csv_writer import csv_lines, separator
from .message_columns import Reader
from .workbook import MAX_ROWS, workbook

# A million messages take 80 MB in the database and 40 s of a worker.
MAX_CSV_ROWS: Final = 2_000_000
# Gets the number of rows written so far; raises an exception to stop.
Tell = Callable[[int], None]
_PART: Final = 2**16


class FileNotWrittenError(Exception):
    """A file cannot be written now. The text is logged."""


@dataclass(frozen=True, slots=True)
class Content:
    """One kind of export. `most` is the maximum number of rows, None for no limit."""

    permission: str
    count: Callable[[ExportJob, int], int]
    write: Callable[[ExportJob, Tell], Iterator[bytes]]
    most: int | None = None
    # Only for users who may see all instances.
    is_of_all: bool = False
    # Contains full phone numbers.
    holds_numbers: bool = False

    def is_for(self, user: Viewer) -> bool:
        may = user.is_active and user.has_perm(self.permission)
        may = may and (sees_phones(user) or not self.holds_numbers)
        return may and not (self.is_of_all and is_limited(user))


def _messages(job: ExportJob) -> tuple[Criteria, Any]:
    criteria = Criteria.read(QueryDict(job.query))
    with timezone.override(ZoneInfo(job.zone)):  # for the days of its period
        return criteria, criteria.messages(job.by)


def _count_messages(job: ExportJob, most: int) -> int:
    found: int = _messages(job)[1].order_by()[:most].count()
    return found


def _reader(job: ExportJob, tell: Tell) -> Reader:
    criteria, found = _messages(job)
    return Reader(
        found,
        order=criteria.order,
        zone=ZoneInfo(job.zone),
        shows_phones=sees_phones(job.by),
        on_progress=tell,
    )


def _csv(job: ExportJob, tell: Tell) -> Iterator[bytes]:
    return csv_lines(_reader(job, tell), separator())


def _workbook(job: ExportJob, tell: Tell) -> Iterator[bytes]:
    with workbook(_reader(job, tell)) as file:
        yield from iter(partial(file.read, _PART), b"")


def _events(job: ExportJob) -> QuerySet[AuditEvent]:
    # Exclude new entries, for example the download of this export.
    newest = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return audit_events(job.by, dict(parse_qsl(job.query))).filter(id__lte=newest)


def _count_events(job: ExportJob, most: int) -> int:
    return _events(job)[:most].count()


def _audit_log(job: ExportJob, tell: Tell) -> Iterator[bytes]:
    return audit_lines(_events(job), separator(), tell)


def _person(job: ExportJob, tell: Tell) -> Iterator[bytes]:
    with closing(tempfile.TemporaryFile()) as file:
        try:
            counts = export_person(
                find_person(dict(parse_qsl(job.query))["person"]), file, by=job.by
            )
        except SpoolUnavailableError:
            raise FileNotWrittenError("This machine's spool cannot be read.") from None
        tell(sum(counts.values()))
        file.seek(0)
        yield from iter(partial(file.read, _PART), b"")


CONTENTS: Final = {
    ExportKind.CSV: Content("whatsapp.export_message", _count_messages, _csv, MAX_CSV_ROWS),
    ExportKind.WORKBOOK: Content("whatsapp.export_message", _count_messages, _workbook, MAX_ROWS),
    ExportKind.AUDIT: Content("whatsapp.view_auditevent", _count_events, _audit_log),
    ExportKind.PERSON: Content(
        "whatsapp.add_erasure",
        lambda _job, _most: 0,
        _person,
        is_of_all=True,
        holds_numbers=True,
    ),
}
