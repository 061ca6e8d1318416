"""Measure how much the indexes slow down the statement that stores a callback.

All of them together by speed. Each one by the records that it adds to PostgreSQL's log (WAL):
a single index costs less than the speed differs between two turns.
"""

import statistics
from typing import Final

from bench.board import drop, psql, recreate
from bench.statement import CLIENTS, pgbench, wal_records
from bench.table import Figure

# Indexes that only reading needs: only unique indexes are constraints.
_UNENFORCED: Final = """
SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE relname IN ('whatsapp_message', 'whatsapp_statusevent', 'whatsapp_callback',
                  'whatsapp_followup') AND NOT indisunique ORDER BY 1::text
"""


def index_costs(database: str, seconds: float, rounds: int, callbacks: int) -> list[Figure]:
    """Compare on copies of the database."""
    indexed, bare = f"{database}_indexed", f"{database}_bare"
    for copy in (indexed, bare):
        recreate(copy, database.rsplit("/", 1)[1])
    names = psql(database, _UNENFORCED).splitlines()
    for name in names:
        psql(bare, f'DROP INDEX "{name}"')
    speeds = [pgbench(indexed, seconds) / pgbench(bare, seconds) for _ in range(rounds)]
    found = [Figure("speed with all indexes ÷ without", statistics.median(speeds), 0.8)]
    with_all = wal_records(indexed, callbacks // CLIENTS)
    for name in names:
        definition = psql(indexed, f"SELECT pg_get_indexdef('\"{name}\"'::regclass)")
        psql(indexed, f'DROP INDEX "{name}"')
        without = wal_records(indexed, callbacks // CLIENTS)
        psql(indexed, definition)
        found.append(Figure(f"WAL records without {name} ÷ with all", without / with_all, None))
    for copy in (indexed, bare):
        drop(copy)
    return found
