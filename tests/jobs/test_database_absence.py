"""A worker logs the start and the end of a database outage once."""

import time

import pytest
from django.db import DataError, OperationalError

from messages.jobs import scheduler
from messages.jobs.scheduler import DatabaseAbsence, Job, run_due


@pytest.fixture(autouse=True)
def _own_absence(monkeypatch):
    monkeypatch.setattr(scheduler, "absence", DatabaseAbsence())


class Database:
    """A job that uses a database which answers or fails."""

    error: Exception | None = OperationalError("connection refused")

    def ask(self) -> int:
        if self.error:
            raise self.error
        return 1


def lines(caplog) -> list[str]:
    return [record.getMessage().split(";")[0].split(":")[0] for record in caplog.records]


def test_outage_is_logged_once_at_its_start_and_end(db, caplog):
    database = Database()
    jobs = [Job(name, database.ask, every=0) for name in ("a", "b")]
    for now in (1.0, 2.0):
        run_due(jobs, now)
    database.error = None
    for now in (3.0, 4.0):
        run_due(jobs, now)
    assert lines(caplog) == ["The database is unavailable", "The database is available again."]
    assert not any(record.exc_info for record in caplog.records)


def test_job_without_database_does_not_log_the_end(db, caplog):
    run_due([Job("a", Database().ask, every=0), Job("b", lambda: 0, every=0)], 1.0)
    assert lines(caplog) == ["The database is unavailable"]


def test_job_that_waited_for_the_outage_does_not_log_another(caplog):
    absence, begun = DatabaseAbsence(), time.monotonic()
    absence.noticed("a", begun, OperationalError("gone"))
    absence.succeeded("a")
    absence.noticed("slow", begun, OperationalError("timed out"))
    assert lines(caplog) == ["The database is unavailable", "The database is available again."]


def test_other_error_of_a_job_is_logged_with_traceback(db, caplog):
    database = Database()
    database.error = DataError("value too long")
    run_due([Job("a", database.ask, every=0)], 1.0)
    assert lines(caplog) == ["Job a failed"]
    assert caplog.records[0].exc_info
