"""A request that stops waiting for PostgreSQL leaves no running query."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.faults.conftest import StartDoor
from tests.faults.door import Door
from tests.faults.load import lives
from tests.faults.postgresql import Cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

# Seconds. The statement timeout (10 seconds) would also end the query, but later.
CANCELLED_WITHIN = 5


@contextmanager
def locked(cluster: Cluster, table: str) -> Iterator[None]:
    """Lock the table like a migration, so that every query of it waits."""
    with cluster.connect() as holder:
        holder.execute("BEGIN")
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield


def waiting(cluster: Cluster) -> int:
    running = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'board' AND state = 'active'"
    return int(cluster.query(f"{running} AND pid <> pg_backend_pid()")[0][0])


def open_page(door: Door) -> int:
    url = f"http://127.0.0.1:{door.port}/"
    cookies = {"sessionid": "somebody", "__Host-sessionid": "somebody"}
    return requests.get(url, cookies=cookies, timeout=60).status_code


def test_page_that_times_out_leaves_no_query(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    with locked(cluster, "django_session"):
        assert open_page(door) == 503
        wait_until(
            lambda: waiting(cluster) == 0, "a page's query is still running", CANCELLED_WITHIN
        )


def test_spooled_callback_leaves_no_query(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    url = door.add_instance("shop")
    with locked(cluster, "whatsapp_message"):
        assert requests.post(url, json=next(lives()), timeout=60).status_code == 200
        wait_until(
            lambda: waiting(cluster) == 0,
            "a callback's statement is still running",
            CANCELLED_WITHIN,
        )
    assert door.in_spool() == 1


def test_query_of_a_killed_process_ends(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    with locked(cluster, "django_session"), ThreadPoolExecutor(1) as visitor:
        page = visitor.submit(open_page, door)
        wait_until(lambda: waiting(cluster) == 1, "no page asks for its session")
        door.kill_the_server()
        assert isinstance(page.exception(), requests.ConnectionError)
        wait_until(lambda: waiting(cluster) == 0, "a dead process's query is still running")


def test_command_has_no_time_limit(cluster: Cluster, start_door: StartDoor):
    """A migration of a large table may take hours."""
    door = start_door(cluster.url)
    code = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
"""
    assert door.manage("shell", "--no-imports", "-c", code).strip() == "0"
