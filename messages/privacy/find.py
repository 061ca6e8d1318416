import math
import time
from collections import Counter
from dataclasses import dataclass, field

from django.utils.functional import Promise

from messages.ingest import SpoolUnavailableError

from .person import Person
from .tables import TABLES, Table


@dataclass(slots=True)
class Found:
    """The number of rows per table. Tables that take too long are not read to the end."""

    person: Person
    counts: Counter[str] = field(default_factory=Counter)
    is_complete: bool = True
    # Why this server's spool is not counted, or ''.
    spool_problem: str = ""

    @property
    def lines(self) -> list[tuple[Promise, int]]:
        return [(TABLES[name].label, number) for name, number in self.counts.items()]


def find(person: Person, *, within: float = math.inf) -> Found:
    """Count the person's rows. Stop after `seconds`."""
    found, ends_at = Found(person), time.monotonic() + within
    for name, table in TABLES.items():
        found.is_complete &= _count(found, name, table, ends_at)
    return found


def _count(found: Found, name: str, table: Table, ends_at: float) -> bool:
    """Return whether the whole table was read."""
    found.counts[name] = 0
    if table.indexed:
        everybody = table.model._default_manager.all()
        found.counts[name] = table.rows(found.person, everybody).count()
        return True
    try:
        for rows, _last in table.slices(found.person):
            found.counts[name] += len(rows)
            if time.monotonic() > ends_at:
                return False
    except SpoolUnavailableError as error:
        found.spool_problem = str(error)
    return True
