"""Every form sent twice at the same moment, as by a double click: never a 5xx.

Both requests are held before each statement that writes until the other has come as far. So each
has checked all that it checks before either writes.
"""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections, transaction

from tests.access.routes import ROUTES
from tests.attacks.discovery import discover
from tests.attacks.fuzz import Fuzz, Sent
from tests.attacks.tables import PK, ROW_ID
from tests.conftest import call_through

pytestmark = [
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="SQLite in memory, as of tests, refuses a second thread where a file makes it wait",
    ),
    pytest.mark.django_db(transaction=True, databases=["default", "spool"]),
]
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b")
PATIENCE = 0.2


class Lockstep:
    """Holds each of two threads at its writes until the other stands at one, too, or is done.

    Nor longer than PATIENCE: the other may wait for a lock that this one has.
    """

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._arrivals = 0
        self._is_one_done = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if WRITES.match(sql):
            self._wait()
        return execute(sql, params, many, context)

    def _wait(self) -> None:
        with self._moved:
            self._arrivals += 1
            met = self._arrivals + self._arrivals % 2  # the second of the two
            self._moved.notify()
            is_met = self._moved.wait_for(
                lambda: self._arrivals >= met or self._is_one_done, PATIENCE
            )
            if not is_met:
                self._arrivals += 1  # as if it had come

    def done(self) -> None:
        with self._moved:
            self._is_one_done = True
            self._moved.notify()


def sent_twice(sent: Sent) -> list[int]:
    step = Lockstep()
    site = WSGIHandler()  # without the limits of the server, which would let one wait

    def send() -> int:
        try:
            with connections["default"].execute_wrapper(step):
                return call_through(site, "/", sent.method, sent.body, **sent.environ()).status
        finally:
            step.done()
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(send) for _ in range(2)]
        return [one.result() for one in both]


@pytest.fixture
def restore() -> Iterator[Any]:
    """Puts every table back as it was when it was first called."""
    names = [name for name in connection.introspection.table_names() if name != "django_migrations"]

    def keep() -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA kept")
            for name in names:
                cursor.execute(f'CREATE TABLE kept."{name}" AS TABLE "{name}"')

    def put_back() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            # Without the triggers that hold foreign keys, and the audit log, together.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name in names:
                cursor.execute(f'DELETE FROM "{name}"')
                cursor.execute(f'INSERT INTO "{name}" SELECT * FROM kept."{name}"')

    ways = chain([keep], repeat(put_back))

    def keep_or_put_back() -> None:
        next(ways)()

    yield keep_or_put_back
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS kept CASCADE")


def test_no_form_sent_twice_at_once_is_an_error_of_ours(root, restore):
    found = discover([(root, [route.path(PK, ROW_ID) for route in ROUTES])])
    # Their queries say what a list shows, and not what is done.
    forms = list({(t.path, t.fields): t for t in found if t.method == "POST"}.values())
    fuzz = Fuzz(forms, {"root": {"session": root.cookies["__Host-sessionid"].value}})
    restore()
    faults, seen = {}, Counter[int]()
    for form in forms:
        answers = sent_twice(fuzz.as_offered(form, "root"))
        seen.update(answers)
        if max(answers) >= 500:
            faults[f"{form.path} {form.fields}"] = answers
        restore()
    assert not faults, "\n".join(f"{form}: {answers}" for form, answers in faults.items())
    assert seen[302] > 50, seen  # else most were refused for what was in them
