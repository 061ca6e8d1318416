"""`make bench-pages`: measure how fast pages open with a large database.

The database is seeded once (`manage.py seed_history`) and used again. The benchmark requests pages
in turns, many times, with Django's test client in this process. A page's time is the CPU time of
this process plus the time of its queries according to EXPLAIN ANALYZE. So other work on the machine
does not count. On SQLite the queries are this process's own work. Only the export is measured in
elapsed time. BENCH_PAGES_URL names another database.
"""

import argparse
import json
import os
import statistics
from typing import Any, Final

from bench.board import ask, exists, make_empty, manage, shell
from bench.table import Figure, print_and_exit

DATABASE: Final = os.environ.get(
    "BENCH_PAGES_URL", "postgres://postgres@127.0.0.1:5432/statusboard_pages"
)
SMALL: Final = 50_000
# The pages and filters that support uses most.
LISTS: Final = {
    "newest 50": "/",
    "filter: status read": "/?status=read",
    "filter: status failed": "/?status=failed",
    "filter: one instance": "/?instance={instance}",
    "filter: 30 days": "/?period=30d",
    "filter: individuals": "/?groups=0",
    "filter: an hour of sending": "/?since={since}&until={until}",
    "filter: a day long ago": "/?since={day}&until={day_after}",
    "filter: reached read": "/?reached=read",
    "filter: with inbound": "/?inbound=1",
    "view: stuck": "/?view=stuck",
    "view: failed": "/?view=failed",
    "view: delivered without read": "/?view=no-read",
    "view: groups": "/?view=groups",
}
# The queries of a search, in milliseconds.
SEARCHES: Final = {
    "phone: exact": ("/?q={phone}", 2),
    "phone: beginning": ("/?q=%2B{beginning}", 5),
    "phone: last 8": ("/?q={last8}", 2),
    "phone: middle 6": ("/?q={middle6}", 25),
}
OTHERS: Final = {
    "page 1 of all time": "/?period=all",
    "page 10,000 of all time": "/?period=all&older={cursor}",
    "Overview, 30 days": "/overview/?period=30d",
    "Message": "{message}",
    "Recipient": "{recipient}",
    "live poll, nothing new": "{live}",
}
ALL: Final = LISTS | {name: path for name, (path, _) in SEARCHES.items()} | OTHERS
Result = dict[str, Any]


def prepare(database: str, messages: int) -> None:
    """Seed the database, unless it already contains roughly this number of messages."""
    if exists(database) and abs(_held(database) - messages) < messages / 20:
        manage(database, "migrate", "--verbosity", "0")
        return
    print(f"Seeding {messages:,} messages into {database.rsplit('/', 1)[1]} ...", flush=True)
    make_empty(database)
    print(manage(database, "seed_history", "--messages", str(messages), "--days", "90"))


def _held(database: str) -> int:
    return int(ask(database, "SELECT coalesce(max(id), 0) FROM whatsapp_message") or 0)


def inside(database: str, call: str) -> Any:
    """Run a function of bench/visits.py in a separate process and return its output."""
    return json.loads(shell(database, f"from bench.visits import *; {call}").splitlines()[-1])


def figures(large: dict[str, Result], small: dict[str, Result], taken: Result) -> list[Figure]:
    def most(name: str, value: float, target: float, unit: str = " ms") -> Figure:
        return Figure(name, value, target, at_least=False, unit=unit)

    found: list[Figure] = []
    for name in LISTS:
        found.append(most(f"{name}, p95", large[name]["p95"], 25))
        found.append(most(f"{name}, slowest query", large[name]["query"], 2))
    grown = statistics.median(large[name]["p50"] / small[name]["p50"] for name in LISTS)
    found.append(most(f"lists, all ÷ {SMALL:,} messages", grown, 1.1, ""))
    far, near = large["page 10,000 of all time"], large["page 1 of all time"]
    found.append(most("page 10,000 ÷ page 1", far["p50"] / near["p50"], 1.2, ""))
    for name, (_path, target) in SEARCHES.items():
        found.append(most(f"{name}, slowest query", large[name]["query"], target))
    for name in ("Message", "Recipient"):
        if name in large:
            found.append(most(f"{name}, p95", large[name]["p95"], 40))
            found.append(most(f"{name}, queries", large[name]["queries"], 8, ""))
    if live := large.get("live poll, nothing new"):
        found.append(most("live poll, p95", live["p95"], 5))
        found.append(most("live poll, queries", live["queries"], 3, ""))
    found.append(most("Overview, 30 days, p95", large["Overview, 30 days"]["p95"], 60))
    found.append(Figure("export as CSV, rows/s", taken["rows"] / taken["seconds"], 30_000))
    found.append(most(f"export, memory for {taken['rows']:,} rows", taken["memory"], 15, " MiB"))
    found.append(most("first page in all", large["first page"]["bytes"] / 1024, 120, " KB"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=200_000, help="on the board (200,000)")
    parser.add_argument("--rounds", type=int, default=20, help="visits of each page (20)")
    options = parser.parse_args()
    small_database = f"{DATABASE}_small"
    prepare(DATABASE, options.messages)
    prepare(small_database, SMALL)

    large = inside(DATABASE, f"pages({ALL!r}, {options.rounds})")
    small = inside(small_database, f"pages({LISTS!r}, {options.rounds})")
    missing = [name for name in OTHERS if name not in large]
    if missing:
        print(f"Not there yet: {', '.join(missing)}.")
    print_and_exit(figures(large, small, inside(DATABASE, "export()")))


if __name__ == "__main__":
    main()
