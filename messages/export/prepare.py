"""Workbooks written beside the requests: claimed by a worker, stored in pieces, gone after a day.

One that a worker died over comes again after its lease, and is written anew.
"""

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone, translation

from messages.access.masking import sees_phones
from messages.access.scope import Viewer, is_limited, visible_instances
from messages.finding.criteria import Criteria
from messages.models import ExportJob, ExportPiece, ExportState

from .rows import Reader
from .workbook import MOST_ROWS, workbook

EXPORT: Final = "whatsapp.export_message"
# Of each person; the oldest goes where there would be more, so that nobody fills the database.
MOST_KEPT: Final = 5
# Renewed with every piece of the reading.
LEASE: Final = timedelta(minutes=1)
MOST_TRIES: Final = 3
PIECE: Final = 2**20


class _StoppedError(Exception):
    """The worker ends, or the job is gone: whoever asked for it is, or somebody was erased."""


def sight_of(user: Viewer) -> dict[str, Any]:
    """What of messages a person sees, to be compared later."""
    instances = sorted(visible_instances(user).values_list("pk", flat=True))
    return {"phones": sees_phones(user), "instances": instances if is_limited(user) else None}


def ask_for_workbook(user: User, query: str, zone: str) -> ExportJob:
    """Asked again while the same export is still being written, give that one."""
    kept = ExportJob.objects.filter(by=user).kept()
    asked = {"query": query, "language": translation.get_language() or "", "zone": zone}
    waiting = kept.filter(state=ExportState.WAITING, **asked).first()
    if waiting:
        return waiting
    job = ExportJob.objects.create(by=user, **asked)
    beyond = ExportJob.objects.filter(by=user).order_by("-created_at")[MOST_KEPT:]
    ExportJob.objects.filter(pk__in=[one.pk for one in beyond]).delete()
    return job


def prepare_exports(stop: threading.Event | None = None) -> int:
    """What the worker does. Several may do so side by side."""
    stop, done = stop or threading.Event(), 0
    while not stop.is_set() and (job := _claim()):
        try:
            _write(job, stop)
        except _StoppedError:
            again = ExportJob.objects.filter(pk=job.pk)
            again.update(next_try_at=timezone.now(), tries=job.tries - 1)
        done += 1
    return done


def forget_old_exports() -> int:
    return ExportJob.objects.expired().delete()[0]


def pieces_of(job: ExportJob) -> Iterator[bytes]:
    """One after the other, so that no file is ever in memory as a whole."""
    numbers = job.pieces.order_by("number").values_list("pk", flat=True)
    for pk in list(numbers):
        yield bytes(ExportPiece.objects.values_list("body", flat=True).get(pk=pk))


def _claim() -> ExportJob | None:
    # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
    if not ExportJob.objects.due().exists():
        return None
    with transaction.atomic():
        due = ExportJob.objects.due().select_related("by")
        job = due.select_for_update(skip_locked=True, of=("self",)).first()
        if job:
            job.next_try_at, job.tries = timezone.now() + LEASE, job.tries + 1
            job.save(update_fields=["next_try_at", "tries"])
    return job


def _write(job: ExportJob, stop: threading.Event) -> None:
    """As who asked sees messages now, which may be less than when they asked."""
    user = job.by
    if not user.is_active or not user.has_perm(EXPORT) or job.tries > MOST_TRIES:
        _update(job, state=ExportState.FAILED)
        return
    sight = sight_of(user)
    criteria = Criteria.read(QueryDict(job.query))
    found = criteria.messages(user)
    _update(job, sight=sight, total=found.order_by()[:MOST_ROWS].count(), written=0)
    with translation.override(job.language):
        reader = Reader(
            found,
            order=criteria.order,
            zone=ZoneInfo(job.zone),
            shows_phones=sight["phones"],
            told=partial(_tell, job, stop),
        )
        with workbook(reader) as file:
            job.pieces.all().delete()
            for number, body in enumerate(iter(partial(file.read, PIECE), b"")):
                _tell(job, stop, reader.count)
                ExportPiece.objects.create(job=job, number=number, body=body)
            size = file.tell()
    _update(job, state=ExportState.DONE, written=reader.count, size=size)


def _tell(job: ExportJob, stop: threading.Event, written: int) -> None:
    _update(job, written=written, next_try_at=timezone.now() + LEASE)
    if stop.is_set():
        raise _StoppedError


def _update(job: ExportJob, **values: Any) -> None:
    """Never brings back a job that is gone."""
    if not ExportJob.objects.filter(pk=job.pk).update(**values):
        raise _StoppedError
