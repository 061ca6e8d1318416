"""While the database is away a worker's log says so once, and once that it is back."""

import time

import pytest
from django.db import DataError, OperationalError

from messages.jobs import scheduler
from messages.jobs.database_absence import DatabaseAbsence
from messages.jobs.scheduler import Job, run_due


@pytest.fixture(autouse=True)
def _of_this_test_alone(monkeypatch):
    monkeypatch.setattr(scheduler, "_absence", DatabaseAbsence())


class Database:
    """What a job asks, which answers or does not."""

    error: Exception | None = OperationalError("connection refused")

    def ask(self) -> int:
        if self.error:
            raise self.error
        return 1


def lines(caplog) -> list[str]:
    return [record.getMessage().split(";")[0].split(":")[0] for record in caplog.records]


def test_of_many_jobs_and_turns_one_says_that_it_went_and_one_that_it_is_back(db, caplog):
    database = Database()
    jobs = [Job(name, database.ask, every=0) for name in ("a", "b")]
    for now in (1.0, 2.0):
        run_due(jobs, now)
    database.error = None
    for now in (3.0, 4.0):
        run_due(jobs, now)
    assert lines(caplog) == ["The database is unavailable", "The database is available again."]
    assert not any(record.exc_info for record in caplog.records)


def test_a_job_that_needs_no_database_does_not_say_that_it_is_back(db, caplog):
    run_due([Job("a", Database().ask, every=0), Job("b", lambda: 0, every=0)], 1.0)
    assert lines(caplog) == ["The database is unavailable"]


def test_who_waited_until_it_was_back_does_not_say_that_it_went_again(caplog):
    absence, begun = DatabaseAbsence(), time.monotonic()
    absence.noticed("a", begun, OperationalError("gone"))
    absence.succeeded("a")
    absence.noticed("slow", begun, OperationalError("timed out"))
    assert lines(caplog) == ["The database is unavailable", "The database is available again."]


def test_a_jobs_own_mistake_is_told_with_its_traceback(db, caplog):
    database = Database()
    database.error = DataError("value too long")
    run_due([Job("a", database.ask, every=0)], 1.0)
    assert lines(caplog) == ["Job a failed"]
    assert caplog.records[0].exc_info
