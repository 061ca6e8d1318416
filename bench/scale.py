"""`make bench-scale`: how a large database, indexes and a purge affect the webhook endpoint.

Two boards are seeded once (`manage.py seed_history`) and used again, a large and a small one. Their
webhook endpoints take turns under the same load. PostgreSQL has its default settings and shares the
CPU cores with everything else. Each run purges the oldest messages of the large board. Needs wrk,
pgbench, a PostgreSQL at BENCH_SCALE_URL.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.board import ROOT, environment, exists, maintenance, make_empty, manage, psql, shell
from bench.ingest import OURS
from bench.load import Result, load, ratio, server
from bench.statement import pgbench
from bench.table import Figure, print_and_exit

LARGE: Final = os.environ.get(
    "BENCH_SCALE_URL", "postgres://postgres@127.0.0.1:5432/statusboard_scale"
)
SMALL: Final = f"{LARGE}_small"
STRIPPED: Final = f"{LARGE}_stripped"
FEW: Final = 50_000
DAYS: Final = 90
CONNECT: Final = """
from messages.instances.connect import connect
from messages.instances.webhook_keys import WebhookKey, webhook_path
from messages.models import Instance
if not Instance.objects.filter(zapi_id="bench-instance").exists():
    connect(name="Bench", zapi_id="bench-instance", token="bench-token")
print(webhook_path(WebhookKey("bench-instance", 1)))
"""
# Set the retention period so that about `messages` messages are older, then purge them all.
PURGE: Final = """
import threading
from django.utils import timezone
from messages.models import Message, Retention
from messages.privacy.retention import Purge
oldest = Message.objects.order_by("first_heard_at", "id")
last = oldest.values_list("first_heard_at", flat=True)[{messages}]
before = oldest.filter(first_heard_at__lt=last).count()
Retention.objects.all().delete()
Retention.objects.create(kind="messages", days=(timezone.now() - last).days)
purged = 0
while number := Purge(threading.Event()).run():
    purged += number
Retention.objects.all().delete()
print(purged)
"""
_TABLES: Final = ("whatsapp_message", "whatsapp_statusevent")
# Indexes that only pages need: only unique indexes are constraints.
_UNENFORCED: Final = """
SELECT format('DROP INDEX %I', indexrelid::regclass)
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE relname IN ('whatsapp_message', 'whatsapp_statusevent', 'whatsapp_callback',
                  'whatsapp_followup') AND NOT indisunique
"""


def prepare(database: str, messages: int) -> str:
    """Seed a database unless it contains about as many messages; return the webhook's path."""
    if exists(database) and _held(database) > messages * 3 / 4:
        manage(database, "migrate", "--verbosity", "0")
    else:
        print(f"Seeding {messages:,} messages into {_name(database)} ...", flush=True)
        make_empty(database)
        print(manage(database, "seed_history", "--messages", str(messages), "--days", str(DAYS)))
    return shell(database, CONNECT)


def grown(path: str, seconds: float, rounds: int) -> Figure:
    large, small = [], []
    for _ in range(rounds):
        large.append(_loaded(LARGE, path, seconds))
        small.append(_loaded(SMALL, path, seconds))
    name = f"ingest at {_held(LARGE):,} messages ÷ at {FEW:,}"
    return Figure(name, ratio(large, small), 0.85)


def indexed(seconds: float, rounds: int) -> Figure:
    """Compare the storing statement with all indexes and with unique indexes only."""
    psql(maintenance(LARGE), f'DROP DATABASE IF EXISTS "{_name(STRIPPED)}"')
    psql(maintenance(LARGE), f'CREATE DATABASE "{_name(STRIPPED)}" TEMPLATE "{_name(SMALL)}"')
    for statement in psql(STRIPPED, _UNENFORCED).splitlines():
        psql(STRIPPED, statement)
    ratios = [pgbench(SMALL, seconds) / pgbench(STRIPPED, seconds) for _ in range(rounds)]
    return Figure("our statement with all indexes ÷ without", statistics.median(ratios), 0.8)


def purged(path: str, seconds: float, messages: int) -> list[Figure]:
    """Measure latency during a purge, and how much space is reusable after a VACUUM."""
    with server(OURS, environment(LARGE), path):
        load(path, 1)
        alone = [load(path, seconds) for _ in range(3)]
        psql(LARGE, "VACUUM")
        size, before, free_before = _size(), _held(LARGE), _free()
        with _purge(messages) as purge:
            beside = _load_until_it_ends(purge, path, seconds)
    gone = int(purge.communicate()[0])
    psql(LARGE, "VACUUM")
    freed = (_free() - free_before) / (size * gone / before)
    slower = statistics.median(one.p99_ms for one in beside) / statistics.median(
        one.p99_ms for one in alone
    )
    print(f"{gone:,} messages purged while {len(beside)} loads of {seconds:g} s went on.")
    return [
        Figure("p99 while messages are purged ÷ alone", slower, 2, at_least=False),
        Figure("space free after a vacuum ÷ what they took", freed, 0.8),
    ]


def _load_until_it_ends(purge: "subprocess.Popen[str]", path: str, seconds: float) -> list[Result]:
    found = [load(path, seconds)]
    while purge.poll() is None:
        found.append(load(path, seconds))
    # The purge ended during the last measurement, so drop it.
    return found[:-1] or found


@contextmanager
def _purge(messages: int) -> Iterator["subprocess.Popen[str]"]:
    code = PURGE.format(messages=messages)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "--command", code],
        cwd=ROOT,
        env=os.environ | environment(LARGE),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    time.sleep(3)  # the purge first searches for the oldest messages
    try:
        yield process
    finally:
        process.wait()


def _loaded(database: str, path: str, seconds: float) -> Result:
    with server(OURS, environment(database), path):
        load(path, 2)
        result = load(path, seconds)
    if result.failed:
        raise SystemExit(f"{result.failed} requests failed.")
    return result


def _size() -> int:
    return sum(int(psql(LARGE, f"SELECT pg_relation_size('{table}')")) for table in _TABLES)


def _free() -> int:
    psql(LARGE, "CREATE EXTENSION IF NOT EXISTS pg_freespacemap")
    return sum(
        int(psql(LARGE, f"SELECT sum(avail) FROM pg_freespace('{table}')")) for table in _TABLES
    )


def _held(database: str) -> int:
    return int(psql(database, "SELECT count(*) FROM whatsapp_message"))


def _name(database: str) -> str:
    return database.rsplit("/", 1)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000, help="on the board (1,000,000)")
    parser.add_argument("--purged", type=int, default=100_000, help="of the oldest (100,000)")
    parser.add_argument("--seconds", type=float, default=8, help="of load in each turn (8)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    options = parser.parse_args()
    prepare(SMALL, FEW)
    path = prepare(LARGE, options.messages)
    print_and_exit(
        [
            grown(path, options.seconds, options.rounds),
            indexed(options.seconds, options.rounds),
            *purged(path, options.seconds, options.purged),
        ]
    )


if __name__ == "__main__":
    main()
