"""`make bench-scale`: how the webhook and the pages behave as the database grows.

Each size has a database of its own, which is seeded once (`manage.py seed_history`) and used again.
The sizes take turns under the same load. Every ratio compares with the smallest size. The
figures of indexes use copies of the smallest database. The purge empties a database that is seeded
for it. PostgreSQL has its own settings and shares the CPU cores with everything else. Needs wrk,
pgbench, a PostgreSQL at BENCH_SCALE_URL.
"""

import argparse
import os
import statistics
import tempfile
from dataclasses import dataclass, field
from typing import Any, Final

from bench.board import ask, environment, psql
from bench.index_costs import index_costs
from bench.ingest import OURS
from bench.load import Result, load, memory_of_largest_worker, ratio, server
from bench.pages import ALL, inside
from bench.purge import purged
from bench.seeded import BASE, prepare
from bench.table import Figure, print_and_exit

VISITS: Final = 7
PARTS: Final = ("sizes", "indexes", "purge")
# The pages of a figure, and the most that their p95 may be, in milliseconds.
PAGES: Final = {
    "lists (slowest)": (
        ("newest 50", "filter: status failed", "filter: one instance", "view: stuck"),
        25,
    ),
    "Message": (("Message",), 40),
    "Recipient": (("Recipient",), 40),
    "Overview, 30 days": (("Overview, 30 days",), 60),
}
HUGE: Final = 10_000_000


@dataclass
class Board:
    """A database, and what was measured on it."""

    name: str
    url: str
    path: str
    messages: int
    bytes_per_message: float
    loads: list[Result] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)
    memory: float = 0

    def median(self, name: str) -> float:
        return statistics.median(getattr(one, name) for one in self.loads)

    def p95(self, pages: tuple[str, ...]) -> float:
        """Median over the rounds of the slowest of these pages."""
        return statistics.median(max(one[page]["p95"] for page in pages) for one in self.visits)


def postgresql_board(messages: int, name: str) -> Board:
    """The database with this number of messages: an existing one, or one of our own."""
    url = f"{BASE.rsplit('/', 1)[0]}/{name}" if name else f"{BASE}_{messages}"
    return _board(f"{messages:,}", url, messages, may_seed=not name)


def sqlite_board(messages: int) -> Board:
    url = f"sqlite:///{tempfile.gettempdir()}/statusboard-scale-{messages}.sqlite3"
    return _board(f"SQLite, {messages:,}", url, messages, may_seed=True)


def _board(name: str, url: str, messages: int, *, may_seed: bool) -> Board:
    path = prepare(url, messages, may_seed=may_seed)
    count = int(ask(url, "SELECT count(*) FROM whatsapp_message"))
    return Board(name, url, path, messages, _bytes(url) / count)


def _bytes(database: str) -> int:
    """Messages and events with their indexes; on SQLite the whole file."""
    if not database.startswith("postgres"):
        return os.path.getsize(database.removeprefix("sqlite:///"))
    tables = ("whatsapp_message", "whatsapp_statusevent")
    return sum(int(psql(database, f"SELECT pg_total_relation_size('{one}')")) for one in tables)


def visit(boards: list[Board], rounds: int) -> None:
    pages = {name: ALL[name] for names, _ in PAGES.values() for name in names}
    for _ in range(rounds):
        for board in boards:
            board.visits.append(inside(board.url, f"pages({pages!r}, {VISITS})"))


def ingest(boards: list[Board], seconds: float, rounds: int) -> None:
    for _ in range(rounds):
        for board in boards:
            with server(OURS, environment(board.url), board.path) as pid:
                load(board.path, 1)
                board.loads.append(load(board.path, seconds))
                board.memory = max(board.memory, memory_of_largest_worker(pid))
            if board.loads[-1].failed:
                raise SystemExit(f"{board.loads[-1].failed} requests failed at {board.name}.")


def absolute(board: Board) -> list[Figure]:
    def most(name: str, value: float, target: float | None, unit: str) -> Figure:
        return Figure(f"{board.name}: {name}", value, target, at_least=False, unit=unit)

    disk = board.bytes_per_message * 1e6 / 2**20
    return [
        Figure(f"{board.name}: callbacks", board.median("rate"), None, unit="/s"),
        most("callbacks, p99", board.median("p99_ms"), None, " ms"),
        *(
            most(f"{name}, p95", board.p95(pages), target, " ms")
            for name, (pages, target) in PAGES.items()
        ),
        most("memory of a web process", board.memory, 100, " MiB"),
        most("disk for a million messages and their events", disk, None, " MiB"),
    ]


def relative(board: Board, smallest: Board) -> list[Figure]:
    """The ratios to the smallest board, pair by pair."""
    versus = f"{board.name} ÷ {smallest.name}"
    pairs = list(zip(board.loads, smallest.loads, strict=True))
    slower = statistics.median(one.p99_ms / two.p99_ms for one, two in pairs)

    def slower_pages(pages: tuple[str, ...]) -> float:
        rounds = zip(board.visits, smallest.visits, strict=True)
        return statistics.median(
            one[page]["p50"] / two[page]["p50"] for one, two in rounds for page in pages
        )

    allowed = 1.1 if board.messages < HUGE else 1.3
    return [
        Figure(f"{versus}: callbacks", ratio(board.loads, smallest.loads), 0.85),
        Figure(f"{versus}: callbacks, p99", slower, None),
        *(
            Figure(f"{versus}: {name}", slower_pages(pages), allowed, at_least=False)
            for name, (pages, _) in PAGES.items()
        ),
    ]


def grown(sizes: list[tuple[int, str]], sqlite: int, seconds: float, rounds: int) -> list[Figure]:
    boards = [postgresql_board(*size) for size in sizes]
    others = [sqlite_board(sqlite)] if sqlite else []
    visit(boards + others, rounds)
    ingest(boards + others, seconds, rounds)
    found = [figure for one in boards + others for figure in absolute(one)]
    return found + [figure for one in boards[1:] for figure in relative(one, boards[0])]


def _size(text: str) -> tuple[int, str]:
    messages, _, name = text.partition("=")
    return int(messages.replace(",", "")), name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes",
        type=_size,
        nargs="+",
        default=[(50_000, ""), (500_000, "")],
        help="messages, smallest first; NUMBER=NAME is an existing database (50000 500000)",
    )
    parser.add_argument("--sqlite", type=int, default=0, help="also this many messages on SQLite")
    parser.add_argument("--purged", type=int, default=100_000, help="messages to purge (100,000)")
    parser.add_argument("--callbacks", type=int, default=4_000, help="to measure an index (4,000)")
    parser.add_argument("--seconds", type=float, default=4, help="of load in each turn (4)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    options = parser.parse_args()
    found: list[Figure] = []
    if "sizes" in options.parts:
        found += grown(options.sizes, options.sqlite, options.seconds, options.rounds)
    if "indexes" in options.parts:
        smallest = postgresql_board(*options.sizes[0])
        found += index_costs(smallest.url, options.seconds, options.rounds, options.callbacks)
    if "purge" in options.parts:
        found += purged(options.purged, options.seconds)
    print_and_exit(found)


if __name__ == "__main__":
    main()
