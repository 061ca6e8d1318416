"""PostgreSQL restarts between two jobs of a worker and breaks its connection."""

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from messages.jobs.scheduler import Job, run_due


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to restart")
@pytest.mark.django_db(transaction=True)
def test_job_runs_after_a_database_restart():
    job = Job("count users", get_user_model().objects.count, every=0)
    run_due([job], now=0.0)
    end_connection()
    run_due([job], now=1.0)
    assert job.record.problem == ""


def end_connection() -> None:
    """Close the database connection from the server, like a restart of PostgreSQL."""
    own = connection.connection
    with psycopg.connect(own.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [own.info.backend_pid])
