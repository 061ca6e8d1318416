"""`make bench-ingest`: compare the webhook endpoint with a view that does nothing.

Each figure is the median of several rounds. The contestants take turns, so changes in the machine's
speed affect all of them. PostgreSQL runs with fsync and synchronous_commit. The server, the
database and the clients share the same CPU cores. The bare view stores nothing. It runs with the
site's middleware; the webhook endpoint runs without middleware. Needs wrk, pgbench, a PostgreSQL at
BENCH_DATABASE_URL.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.board import environment, make_empty, manage, psql, shell
from bench.load import Result, load, memory_of_largest_worker, ratio, server
from bench.statement import pgbench
from bench.strain import FEW, MANY, strain
from bench.table import Figure, print_and_exit

POSTGRESQL = os.environ.get(
    "BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/statusboard_bench"
)
OURS = "statusboard.wsgi:application"
DOOR = "statusboard.wsgi:webhook_application"
CONTESTANTS = "bench.contestants:application"
BEHIND_MIDDLEWARE = "bench.contestants:behind_middleware"


def prepare(database: str) -> str:
    """Create an empty database with one instance and return the path of its webhook."""
    make_empty(database)
    return shell(
        database,
        "from messages.instances.connect import connect;"
        "from messages.instances.webhook_keys import WebhookKey, webhook_path;"
        "one = connect(name='Bench', zapi_id='bench-instance', token='bench-token');"
        "print(webhook_path(WebhookKey(one.zapi_id, 1)))",
    )


class Bench:
    def __init__(self, seconds: float, rounds: int) -> None:
        self.seconds, self.rounds = seconds, rounds
        self.sqlite = f"sqlite:///{tempfile.gettempdir()}/statusboard-bench.sqlite3"
        self.path = prepare(POSTGRESQL)
        self.sqlite_path = prepare(self.sqlite)
        self.memory = 0.0

    def rounds_of(self, *parts: Callable[[], Result]) -> list[list[Result]]:
        """Run the parts in turns and return the results of each part."""
        turns = [[part() for part in parts] for _ in range(self.rounds)]
        return [list(results) for results in zip(*turns, strict=True)]

    def bare(self) -> Result:
        return self._run(CONTESTANTS, POSTGRESQL, "/bare/")

    def bare_behind_middleware(self) -> Result:
        return self._run(BEHIND_MIDDLEWARE, POSTGRESQL, "/bare/")

    def naive(self) -> Result:
        return self._run(CONTESTANTS, POSTGRESQL, "/naive/")

    def ours(self) -> Result:
        return self._run(OURS, POSTGRESQL, self.path)

    def ours_on_sqlite(self) -> Result:
        return self._run(OURS, self.sqlite, self.sqlite_path)

    def statement(self) -> Result:
        return Result(pgbench(POSTGRESQL, self.seconds), 0, 0, 0)

    def ids(self, count: int) -> Result:
        with server(DOOR, environment(POSTGRESQL), self.path):
            load(self.path, 1, connections=1, ids=count)
            return load(self.path, self.seconds, connections=1, ids=count)

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Run the production server on PostgreSQL; yield its process id."""
        with server(OURS, environment(POSTGRESQL), self.path) as pid:
            yield pid

    def shell(self, code: str) -> str:
        return shell(POSTGRESQL, code)

    def rows(self) -> int:
        """Count the rows in all tables that callbacks write to."""
        tables = ("callback", "message", "statusevent", "followup")
        counted = " + ".join(f"(SELECT count(*) FROM whatsapp_{table})" for table in tables)
        return int(psql(POSTGRESQL, f"SELECT {counted}"))

    def _run(self, application: str, database: str, path: str) -> Result:
        with server(application, environment(database), path) as pid:
            load(path, 1)
            result = load(path, self.seconds)
            if application == OURS:
                self.memory = max(self.memory, memory_of_largest_worker(pid))
        if result.failed:
            raise SystemExit(f"{result.failed} requests to {path} failed.")
        if spooled := self._spooled():
            raise SystemExit(
                f"{spooled} callbacks went to the spool: that is not what is measured."
            )
        return result

    def _spooled(self) -> int:
        return int(json.loads(manage(POSTGRESQL, "spool", "--json"))["waiting"])


def show(name: str, results: list[Result]) -> None:
    """Print medians. pgbench reports no percentiles, so only its rate is printed."""
    values = [
        statistics.median(getattr(one, field) for one in results)
        for field in ("rate", "p50_ms", "p99_ms")
    ]
    told = f"   p50 {values[1]:>6.1f} ms   p99 {values[2]:>6.1f} ms" if values[1] else ""
    print(f"{name:<34}{values[0]:>9,.0f}/s{told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8, help="of load in each turn (8)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contestant (3)")
    parser.add_argument(
        "--strain", action="store_true", help="only: long hours, dashboards, strangers, huge bodies"
    )
    parser.add_argument("--few", type=int, default=FEW, help=f"callbacks of a short soak ({FEW})")
    parser.add_argument("--many", type=int, default=MANY, help=f"and of a long one ({MANY})")
    options = parser.parse_args()
    bench = Bench(options.seconds, options.rounds)
    print_and_exit(strain(bench, options.few, options.many) if options.strain else speed(bench))


def speed(bench: Bench) -> list[Figure]:
    parts = (bench.bare, bench.bare_behind_middleware, bench.naive, bench.ours)
    others = (bench.ours_on_sqlite, bench.statement)
    bare, behind, naive, ours, on_sqlite, statement = bench.rounds_of(*parts, *others)
    one_id, many_ids = bench.rounds_of(lambda: bench.ids(1), lambda: bench.ids(31))
    for name, results in (
        ("bare DRF view, no middleware", bare),
        ("bare DRF view, site's middleware", behind),
        ("naive DRF + Serializer + ORM", naive),
        ("ours, PostgreSQL", ours),
        ("ours, SQLite", on_sqlite),
        ("our statement by pgbench", statement),
    ):
        show(name, results)
    print(f"(ours is {ratio(ours, bare):.2f} of the view without middleware, for comparison)")
    return [
        Figure("ours ÷ bare DRF view", ratio(ours, behind), 0.50),
        Figure("ours ÷ naive DRF + ORM", ratio(ours, naive), 5),
        Figure("ours ÷ pgbench of our statement", ratio(ours, statement), 0.25),
        _slower("p99 ÷ p99 of bare, no middleware", ours, bare),
        _slower("p99 ÷ p99 of bare DRF view", ours, behind),
        Figure("SQLite ÷ PostgreSQL", ratio(on_sqlite, ours), 0.7),
        Figure(
            "p99 on SQLite",
            statistics.median(one.p99_ms for one in on_sqlite),
            100,
            at_least=False,
            unit=" ms",
        ),
        Figure("31 ids ÷ 1 id, time", ratio(many_ids, one_id, "p50_ms"), 3, at_least=False),
        Figure("memory of a worker", bench.memory, 120, at_least=False, unit=" MiB"),
    ]


def _slower(name: str, mine: list[Result], theirs: list[Result]) -> Figure:
    return Figure(name, ratio(mine, theirs, "p99_ms"), 1.8, at_least=False)


if __name__ == "__main__":
    main()
