"""Workers as shown on their page, the latest heartbeat first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import pgettext

from messages.dashboard.shared.badges import Badge
from messages.dashboard.shared.moments import Moment, moment
from messages.incidents.overdue import ABSENT_AFTER
from messages.models import WorkerBeat

MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class JobRow:
    name: str
    ran: Moment | None
    took: float
    failed: Moment | None
    problem: str

    @property
    def is_failing(self) -> bool:
        """Whether the latest run failed."""
        return self.failed is not None and (self.ran is None or self.failed.value > self.ran.value)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    beat: WorkerBeat
    now: datetime

    @property
    def state(self) -> Badge:
        if self.beat.stopped_at:
            return Badge("plain", "unknown", pgettext("worker", "Stopped"))
        if self.beat.beat_at < self.now - ABSENT_AFTER:
            return Badge("danger", "failed", pgettext("worker", "Not responding"))
        return Badge("success", "ok", pgettext("worker", "Running"))

    @property
    def is_running(self) -> bool:
        return self.beat.stopped_at is None and self.beat.beat_at >= self.now - ABSENT_AFTER

    @property
    def started(self) -> Moment:
        return Moment(self.beat.started_at)

    @property
    def last_beat(self) -> Moment:
        return Moment(self.beat.beat_at)

    @property
    def jobs(self) -> list[JobRow]:
        return [_job(name, record) for name, record in self.beat.jobs.items()]


def worker_rows() -> list[WorkerRow]:
    now = timezone.now()
    return [WorkerRow(beat, now) for beat in WorkerBeat.objects.order_by("-beat_at")[:MAX_SHOWN]]


def _job(name: str, record: Mapping[str, Any]) -> JobRow:
    return JobRow(
        name,
        ran=moment(_parse(record["ran_at"])),
        took=record["took"],
        failed=moment(_parse(record["failed_at"])),
        problem=record["problem"],
    )


def _parse(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
