"""Export files written by the worker, stored in pieces and deleted after a day.

If a worker dies while writing a file, another one writes it again after the lease.
"""

import logging
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone, translation

from messages.accounts.masking import sees_phones
from messages.accounts.scope import Viewer, is_limited, visible_instances
from messages.models import ExportJob, ExportKind, ExportPiece, ExportState

from .file_contents import CONTENTS, FileNotWrittenError

logger = logging.getLogger(__name__)

# Files per user. A new one replaces the oldest, so that nobody fills the database.
MAX_KEPT: Final = 5
LEASE: Final = ExportJob.LEASE
MAX_TRIES: Final = 3
PIECE: Final = 2**20
# Seconds between progress updates; each is a transaction.
TELLS_EVERY: Final = 0.5
# The fastest level still reduces a CSV to a quarter.
_COMPRESSION: Final = 1


class _StoppedError(Exception):
    """The worker is stopping, or the job was deleted, e.g. by an erasure."""


def sight_of(user: Viewer) -> dict[str, Any]:
    """What the user may see, to detect later changes."""
    instances = sorted(visible_instances(user).values_list("pk", flat=True))
    return {"phones": sees_phones(user), "instances": instances if is_limited(user) else None}


def may_have(user: Viewer, kind: str) -> bool:
    return CONTENTS[ExportKind(kind)].is_for(user)


def ask_for_file(user: User, kind: ExportKind, query: str, zone: str) -> ExportJob:
    """Create the job; if the same file is still being written, return that job."""
    kept = ExportJob.objects.filter(by=user).kept()
    language = translation.get_language() or ""
    asked = {"kind": kind, "query": query, "language": language, "zone": zone}
    waiting = kept.filter(state=ExportState.WAITING, **asked).first()
    if waiting:
        return waiting
    job = ExportJob.objects.create(by=user, **asked)
    beyond = ExportJob.objects.filter(by=user).order_by("-created_at")[MAX_KEPT:]
    ExportJob.objects.filter(pk__in=[one.pk for one in beyond]).delete()
    return job


def prepare_exports(stop: threading.Event | None = None) -> int:
    """Write all waiting files. Several workers may run this at the same time."""
    stop, done = stop or threading.Event(), 0
    while not stop.is_set() and (job := _claim()):
        try:
            _write(job, stop)
        except FileNotWrittenError as error:
            logger.warning("Export %s was not written: %s", job.pk, error)
            ExportJob.objects.filter(pk=job.pk).update(state=ExportState.FAILED)
        except _StoppedError:
            again = ExportJob.objects.filter(pk=job.pk)
            again.update(next_try_at=timezone.now(), tries=job.tries - 1)
        done += 1
    return done


def forget_old_exports() -> int:
    return ExportJob.objects.expired().delete()[0]


def pieces_of(job: ExportJob) -> Iterator[bytes]:
    """One at a time, so that no file is completely in memory."""
    numbers = job.pieces.order_by("number").values_list("pk", flat=True)
    for pk in list(numbers):
        yield zlib.decompress(ExportPiece.objects.values_list("body", flat=True).get(pk=pk))


def _claim() -> ExportJob | None:
    with ExportJob.objects.due().select_related("by").claim() as jobs:
        for job in jobs:
            job.started_at = timezone.now()
            job.next_try_at, job.tries = job.started_at + LEASE, job.tries + 1
            job.save(update_fields=["started_at", "next_try_at", "tries"])
    return jobs[0] if jobs else None


def _write(job: ExportJob, stop: threading.Event) -> None:
    """Write the file with the user's current permissions."""
    content = CONTENTS[ExportKind(job.kind)]
    if not content.is_for(job.by) or job.tries > MAX_TRIES:
        _update(job, state=ExportState.FAILED)
        return
    total = content.count(job, content.most + 1 if content.most else 10**9)
    if content.most and total > content.most:
        _update(job, state=ExportState.TOO_LONG)
        return
    _update(job, sight=sight_of(job.by), total=total, written=0)
    progress = _Progress(job, stop)
    with translation.override(job.language):
        size = _store(job, content.write(job, progress.tell), progress)
    _update(job, state=ExportState.DONE, written=progress.written, size=size)


def _store(job: ExportJob, parts: Iterator[bytes], progress: "_Progress") -> int:
    """Store the file in pieces of one size and return its length."""
    job.pieces.all().delete()
    size = 0
    for number, body in enumerate(_pieces(parts)):
        progress.tell(progress.written)
        packed = zlib.compress(body, _COMPRESSION)
        ExportPiece.objects.create(job=job, number=number, body=packed)
        size += len(body)
    return size


def _pieces(parts: Iterator[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for part in parts:
        gathered += part
        while len(gathered) >= PIECE:
            yield bytes(gathered[:PIECE])
            del gathered[:PIECE]
    if gathered:
        yield bytes(gathered)


class _Progress:
    """Renews the lease and stores the progress, at most twice a second."""

    def __init__(self, job: ExportJob, stop: threading.Event) -> None:
        self.written = 0
        self._job, self._stop = job, stop
        self._due_at = 0.0

    def tell(self, written: int) -> None:
        self.written = written
        if time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + TELLS_EVERY
            _update(self._job, written=written, next_try_at=timezone.now() + LEASE)
        if self._stop.is_set():
            raise _StoppedError


def _update(job: ExportJob, **values: Any) -> None:
    """Update the job; stop if it was deleted."""
    if not ExportJob.objects.filter(pk=job.pk).update(**values):
        raise _StoppedError
