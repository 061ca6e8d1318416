"""Every form sent twice at the same moment, as by a double click: never a 5xx.

Each request waits before every write until the other request reaches a write too. So both requests
finish their checks before one of them writes.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction

from tests.accounts.routes import ROUTES
from tests.attacks.discovery import discover
from tests.attacks.fuzz import Fuzz, Sent
from tests.attacks.lockstep import at_once
from tests.attacks.tables import PK, ROW_ID
from tests.plugins.webhook import call_through

pytestmark = [
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="SQLite in memory, as of tests, refuses a second thread where a file makes it wait",
    ),
    pytest.mark.django_db(transaction=True, databases=["default", "spool"]),
]


def sent_twice(sent: Sent) -> list[int]:
    # Without the concurrency limits of the server, which would delay one request
    site = WSGIHandler()

    def send() -> int:
        return call_through(site, "/", sent.method, sent.body, **sent.environ()).status

    return at_once(send, send)


@pytest.fixture
def restore() -> Iterator[Any]:
    """Return a function: the first call saves all tables, later calls restore them."""
    names = [name for name in connection.introspection.table_names() if name != "django_migrations"]

    def keep() -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA kept")
            for name in names:
                cursor.execute(f'CREATE TABLE kept."{name}" AS TABLE "{name}"')

    def put_back() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            # Disable the triggers that check foreign keys and protect the audit log.
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


def test_form_sent_twice_at_once_never_causes_a_server_error(root, restore):
    found = discover([(root, [route.path(PK, ROW_ID) for route in ROUTES])])
    # Ignore the query string: it only filters a list.
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
    assert seen[302] > 50, seen  # most forms must be accepted, or the test proves nothing
