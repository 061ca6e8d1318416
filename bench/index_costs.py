"""Measure how much each index slows down the statement that stores a callback."""

import statistics
from typing import Final

from bench.board import drop, psql, recreate
from bench.statement import pgbench
from bench.table import Figure

# Indexes that only reading needs: only unique indexes are constraints.
_UNENFORCED: Final = """
SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE relname IN ('whatsapp_message', 'whatsapp_statusevent', 'whatsapp_callback',
                  'whatsapp_followup') AND NOT indisunique ORDER BY 1::text
"""
ALL: Final = "all of them"


def index_costs(database: str, seconds: float, rounds: int) -> list[Figure]:
    """The statement's speed with all indexes ÷ without one of them, and without all of them.

    Every variant is a copy of the database. The variants take turns.
    """
    names = psql(database, _UNENFORCED).splitlines()
    variants = {"": [], **{name: [name] for name in names}, ALL: names}
    copies = {dropped: f"{database}_copy{n}" for n, dropped in enumerate(variants)}
    for dropped, copy in copies.items():
        recreate(copy, database.rsplit("/", 1)[1])
        for name in variants[dropped]:
            psql(copy, f'DROP INDEX "{name}"')
    turns = [
        {dropped: pgbench(copy, seconds) for dropped, copy in copies.items()} for _ in range(rounds)
    ]
    for copy in copies.values():
        drop(copy)

    def cost(dropped: str) -> float:
        return statistics.median(turn[""] / turn[dropped] for turn in turns)

    return [
        Figure("statement with all indexes ÷ without any", cost(ALL), 0.8),
        *(Figure(f"with all indexes ÷ without {name}", cost(name), None) for name in names),
    ]
