"""Functions that bench/pages.py runs in `manage.py shell` to measure page views."""

import gzip
import json
import re
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.urls import reverse

from messages.exports import prepare_exports
from messages.models import ExportJob
from messages.search.keyset import cursor_of
from messages.search.querysets import Order, message_set
from statusboard.wsgi import load_pages

Result = dict[str, Any]
Query = tuple[str, Any]
# More than 2 million rows are not exported.
EXPORTED: Final = 1_000_000
PAGE: Final = 50
# The offset of page 10,000. A smaller database uses a page near the end.
FAR: Final = PAGE * 10_000


class Visitor:
    """A superuser's test client for repeated page views."""

    def __init__(self) -> None:
        load_pages()  # same as the server, which excludes loaded modules from garbage collection
        user, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
        self.client = Client(headers={"host": "127.0.0.1"})
        self.client.force_login(user)

    def visit(self, path: str) -> tuple[float, list[Query], bytes]:
        """Return the CPU time in milliseconds, the queries and the response body."""
        queries: list[Query] = []
        with recorded_queries(queries):
            before = time.process_time()
            answer = self.client.get(path, secure=True)
            took = (time.process_time() - before) * 1000
        assert answer.status_code in (200, 204), (path, answer.status_code)
        return took, queries, answer.content

    def link(self, path: str, pattern: str) -> str:
        """Return the first URL on the page that matches the pattern, or ''."""
        found = re.search(pattern, self.visit(path)[2].decode())
        return found[0] if found else ""


@contextmanager
def recorded_queries(queries: list[Query]) -> Iterator[None]:
    def record(execute: Callable[..., Any], sql: str, params: Any, *arguments: Any) -> Any:
        queries.append((sql, params))
        return execute(sql, params, *arguments)

    with connection.execute_wrapper(record):
        yield


def server_time(query: Query) -> float:
    """Milliseconds that the database itself takes for a query, the median of three runs."""
    sql, params = query
    if not sql.startswith("SELECT"):
        return 0
    measure = _explained if connection.vendor == "postgresql" else _timed
    return statistics.median(measure(sql, params) for _ in range(3))


def _explained(sql: str, params: Any) -> float:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
        (plan,) = cursor.fetchone()[0]
    return float(plan["Execution Time"])


def _timed(sql: str, params: Any) -> float:
    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(sql, params)
        cursor.fetchall()
    return (time.perf_counter() - began) * 1000


def pages(forms: dict[str, str], rounds: int) -> None:
    """Open every page in turns; print the time of each, and the size of a first visit."""
    visitor = Visitor()
    found = _addresses(visitor, forms)
    for path in found.values():
        visitor.visit(path)  # warm up caches
    visits: dict[str, list[tuple[float, list[Query], bytes]]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, path in found.items():
            visits[name].append(visitor.visit(path))
    results = {name: _result(done) for name, done in visits.items()}
    print(json.dumps(results | {"first page": first_page(visitor)}))


def export() -> None:
    """Print the time and extra memory for a CSV export of EXPORTED rows, or of all.

    The export runs as in the worker, until the last piece is stored.
    """
    visitor = Visitor()
    sent = message_set().outbound().newest_first(Order.SENT).values_list("started_at", flat=True)
    since = next(iter(sent[EXPORTED : EXPORTED + 1]), None)
    query = f"since={since:%Y-%m-%dT%H:%MZ}" if since else "period=all"
    _export(visitor, "since=2100-01-01T00:00Z")  # loads the code
    before, began = _memory(), time.perf_counter()
    rows = _export(visitor, query)
    took = time.perf_counter() - began
    print(json.dumps({"rows": rows, "seconds": took, "memory": _memory() - before}))


def _export(visitor: Visitor, query: str) -> int:
    """Export the messages of this list and return their number."""
    visitor.client.post(f"/messages/exports/?{query}", {"format": "csv"}, secure=True)
    prepare_exports()
    job = ExportJob.objects.latest("created_at")
    job.delete()
    return job.written


def first_page(visitor: Visitor) -> Result:
    """The bytes of a first visit: the page, and its static files compressed by WhiteNoise."""
    text = visitor.visit("/")[2]
    names = set(re.findall(rb'(?:href|src)="/static/([^"?]+)"', text))
    files = [_static_file(name.decode()) for name in names]
    packed = (len(gzip.compress(Path(file).read_bytes())) for file in files)
    return {"bytes": len(text) + sum(packed)}


def _addresses(visitor: Visitor, forms: dict[str, str]) -> dict[str, str]:
    """The URLs to visit, built from rows of this database."""
    outbound = message_set().outbound().newest_first()
    far = min(FAR, outbound.count() * 9 // 10)
    some = outbound.filter(is_group=False, several=False, phone__startswith="55")[1000]
    hour = (some.started_at - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    # A day within the 90 seeded days.
    day = hour - timedelta(days=60)
    message = reverse("dashboard:message", args=[some.pk])
    names = {
        "instance": some.instance_id,
        "since": f"{hour:%Y-%m-%dT%H:%MZ}",
        "until": f"{hour + timedelta(hours=1):%Y-%m-%dT%H:%MZ}",
        "day": f"{day:%Y-%m-%dT%H:%MZ}",
        "day_after": f"{day + timedelta(days=1):%Y-%m-%dT%H:%MZ}",
        "phone": some.phone,
        "beginning": some.phone[:8],
        "last8": some.phone[-8:],
        "middle6": some.phone[4:10],
        "cursor": cursor_of(outbound[far], Order.HEARD.newest_first),
        "message": message,
        "recipient": visitor.link(message, r"/recipients/[^\"?/]+/"),
        "live": visitor.link("/", r"/live/[^\"?]+"),
    }
    asked = {name: form.format(**names) for name, form in forms.items()}
    return {name: path for name, path in asked.items() if path}


def _result(visits: list[tuple[float, list[Query], bytes]]) -> Result:
    queries = list(map(server_time, visits[-1][1]))
    # SQLite runs in this process, so its time is already included.
    elsewhere = sum(queries) if connection.vendor == "postgresql" else 0
    times = sorted(took + elsewhere for took, _, _ in visits)
    return {
        "p50": statistics.median(times),
        "p95": times[min(len(times) - 1, int(len(times) * 0.95))],
        "query": max(queries, default=0),
        # Every 10 seconds a page also counts problems for the banner.
        "queries": statistics.median(len(queries) for _, queries, _ in visits),
    }


def _static_file(name: str) -> str:
    unhashed = re.sub(r"\.[0-9a-f]{12}(?=\.\w+$)", "", name)
    return str(finders.find(name) or finders.find(unhashed))


def _memory() -> float:
    """The peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
