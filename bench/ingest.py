"""`make bench-ingest`: compare the webhook endpoint with other views.

Each figure is the median of several rounds. The contestants take turns, so changes in the machine's
speed affect all of them. PostgreSQL runs with fsync and synchronous_commit. The server, the
database and the clients share the same CPU cores. No contestant has middleware. The bare view
reads the body and stores nothing. The limit is what a bare view and then our statement would reach,
one after the other on the same cores. The peers are other projects' webhook views
(bench/peers.py). Needs wrk, pgbench, a PostgreSQL at BENCH_DATABASE_URL.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.board import ROOT, environment, exists, make_empty, manage, psql, recreate, shell
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
PEERS = "bench.peers:application"
# In bench/peers.py too, which this environment cannot import.
ENDPOINT = "00000000-0000-4000-8000-000000000000"
PEERS_PYTHON = str(ROOT / ".venv-bench/bin/python")


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


def prepare_peers() -> str:
    """Return the URL of the peers' database. It is kept: dj-stripe takes long to create it."""
    database = f"{POSTGRESQL}_peers"
    if not exists(database):
        recreate(database)
    command = [PEERS_PYTHON, "-m", "bench.peers"]
    subprocess.run(command, cwd=ROOT, env=os.environ | environment(database), check=True)
    return database


class Bench:
    def __init__(self, seconds: float, rounds: int) -> None:
        self.seconds, self.rounds = seconds, rounds
        self.sqlite = f"sqlite:///{tempfile.gettempdir()}/statusboard-bench.sqlite3"
        self.path = prepare(POSTGRESQL)
        self.sqlite_path = prepare(self.sqlite)
        self.peers = prepare_peers()
        self.memory = 0.0

    def rounds_of(self, *parts: Callable[[], Result]) -> list[list[Result]]:
        """Run the parts in turns and return the results of each part."""
        turns = [[part() for part in parts] for _ in range(self.rounds)]
        return [list(results) for results in zip(*turns, strict=True)]

    def bare(self) -> Result:
        return self._run(CONTESTANTS, POSTGRESQL, "/bare/")

    def naive(self) -> Result:
        return self._run(CONTESTANTS, POSTGRESQL, "/naive/")

    def anymail(self) -> Result:
        return self._peer("/anymail/postmark/tracking/", "postmark")

    def djstripe(self) -> Result:
        return self._peer(f"/stripe/webhook/{ENDPOINT}/", "stripe")

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
            result = _complete(load(path, self.seconds), path)
            if application == OURS:
                self.memory = max(self.memory, memory_of_largest_worker(pid))
        if spooled := self._spooled():
            raise SystemExit(
                f"{spooled} callbacks went to the spool: that is not what is measured."
            )
        return result

    def _peer(self, path: str, sender: str) -> Result:
        with server(PEERS, environment(self.peers), path, PEERS_PYTHON):
            load(path, 1, sender=sender)
            return _complete(load(path, self.seconds, sender=sender), path)

    def _spooled(self) -> int:
        return int(json.loads(manage(POSTGRESQL, "spool", "--json"))["waiting"])


def _complete(result: Result, path: str) -> Result:
    if result.failed:
        raise SystemExit(f"{result.failed} requests to {path} failed.")
    return result


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
    parts = {
        "bare DRF view": bench.bare,
        "naive DRF + Serializer + ORM": bench.naive,
        "django-anymail, one row": bench.anymail,
        "dj-stripe": bench.djstripe,
        "ours, PostgreSQL": bench.ours,
        "ours, SQLite": bench.ours_on_sqlite,
        "our statement by pgbench": bench.statement,
    }
    bare, naive, anymail, djstripe, ours, on_sqlite, statement = found = bench.rounds_of(
        *parts.values()
    )
    one_id, many_ids = bench.rounds_of(lambda: bench.ids(1), lambda: bench.ids(31))
    for name, results in zip(parts, found, strict=True):
        show(name, results)
    print(f"(ours is {ratio(ours, djstripe):.1f} times dj-stripe's, for comparison)")
    sqlite_p99 = statistics.median(one.p99_ms for one in on_sqlite)
    return [
        Figure("ours ÷ limit", ratio(ours, _limit(bare, statement)), 0.80),
        Figure("ours ÷ bare DRF view", ratio(ours, bare), 0.40),
        Figure("ours ÷ naive DRF + ORM", ratio(ours, naive), 10),
        Figure("ours ÷ django-anymail + one row", ratio(ours, anymail), 5),
        Figure("ours ÷ pgbench of our statement", ratio(ours, statement), 0.50),
        _most("p99 ÷ p99 of bare DRF view", ratio(ours, bare, "p99_ms"), 1.5),
        Figure("SQLite ÷ PostgreSQL", ratio(on_sqlite, ours), 0.8),
        _most("p99 on SQLite", sqlite_p99, 30, " ms"),
        _most("31 ids ÷ 1 id, time", ratio(many_ids, one_id, "p50_ms"), 2),
        _most("memory of a worker", bench.memory, 100, " MiB"),
    ]


def _limit(bare: list[Result], statement: list[Result]) -> list[Result]:
    pairs = zip(bare, statement, strict=True)
    return [Result(1 / (1 / view.rate + 1 / sql.rate), 0, 0, 0) for view, sql in pairs]


def _most(name: str, value: float, target: float, unit: str = "") -> Figure:
    return Figure(name, value, target, at_least=False, unit=unit)


if __name__ == "__main__":
    main()
