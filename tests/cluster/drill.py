"""Break each part of a running cluster in turn, while callbacks arrive and pages are opened."""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.availability import SESSION
from tests.cluster.probes import PageProbe, kept_at, longest_gap, stored_at
from tests.cluster.topology import DASHBOARDS, WEBHOOKS, WORKERS, Topology
from tests.faults.load import Attempt, Load, lives
from tests.faults.timelines import timelines
from tests.plugins.processes import ROOT
from tests.waiting import wait_until

INSTANCE = "faulty"
SETTLE = 3.0  # seconds of normal traffic before and after each fault

# A migration that a next version could have: it needs the strongest lock on the busiest table.
NEXT_MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("whatsapp", "{latest}")]
    operations = [
        migrations.RunSQL("ALTER TABLE whatsapp_message ADD COLUMN next_version text"),
    ]
"""


@dataclass(frozen=True)
class Fault:
    name: str
    cause: Callable[[Topology], None]


@dataclass(frozen=True)
class Outcome:
    """Seconds in which no callback was acknowledged, none reached the database, no page opened."""

    fault: str
    unacknowledged: float
    unstored: float
    pageless: float


@dataclass(frozen=True)
class Result:
    outcomes: Sequence[Outcome]
    acknowledged: int
    missing: int
    # Events beyond one for each message and status.
    duplicates: int


def kill_primary(cluster: Topology) -> None:
    """The server is gone until the replica was promoted; then it comes back as the replica."""
    before, after = cluster.primary(), cluster.replica()
    cluster.nodes[before].keep_down()
    cluster.kill_database(before)
    wait_until(lambda: cluster.primary() == after, "the replica is not promoted")
    cluster.nodes[before].bring_back()


def kill_primary_postgresql(cluster: Topology) -> None:
    cluster.kill_postgresql(cluster.primary())


def upgrade(cluster: Topology) -> None:
    """Migrate the running cluster, then restart one process after the other."""
    root = _next_version(cluster.folder)
    cluster.upgrade(root)
    cluster.manage("migrate", "--verbosity", "0")
    drains = [f"{name}-drain" for name in WEBHOOKS]
    for name in (*WEBHOOKS, *DASHBOARDS):
        cluster.restart_web(name)
    for name in (*drains, *WORKERS):
        cluster.nodes[name].restart()


def _kill(name: str) -> Callable[[Topology], None]:
    return lambda cluster: cluster.nodes[name].kill()


EVERY_FAULT = [
    *(Fault(f"{name} killed", _kill(name)) for name in (*WEBHOOKS, *DASHBOARDS, *WORKERS)),
    Fault("etcd member killed", _kill("etcd1")),
    Fault("PgBouncer killed", _kill("pgbouncer")),
    Fault("HAProxy killed", _kill("haproxy")),
    Fault("replica killed", lambda cluster: cluster.kill_database(cluster.replica())),
    Fault("primary's PostgreSQL killed", kill_primary_postgresql),
    Fault("primary killed, replica promoted", kill_primary),
    Fault("upgraded with a migration", upgrade),
]
SHORT = [
    fault
    for fault in EVERY_FAULT
    if fault.name
    in {"webhook1 killed", "primary killed, replica promoted", "upgraded with a migration"}
]


def drill(faults: Sequence[Fault]) -> Result:
    cluster = Topology()
    try:
        cluster.start()
        session = cluster.manage("shell", "--no-imports", "--command", SESSION).strip()
        with (
            PageProbe(lambda: cluster.get("/", Cookie=f"sessionid={session}")) as pages,
            Load(cluster.add_instance(INSTANCE), lives(), connections=4, pause=0.05) as load,
        ):
            load.wait_for(50)
            wait_until(pages.opened_at, "no page opens")
            outcomes = [_cause(fault, cluster, load, pages) for fault in faults]
        wait_until(lambda: _spooled(cluster) == 0, "a spool is not drained")
        found = timelines(cluster.query, INSTANCE)
        steps = {(event[0], event[2]) for event in found.events}
        return Result(
            outcomes,
            len(load.acknowledged),
            found.missing(load.acknowledged),
            len(found.events) - len(steps),
        )
    finally:
        cluster.stop()


def table(result: Result) -> str:
    """The result as text, one line for each fault."""
    head = f"{'fault':<34} {'no answer':>10} {'not in database':>16} {'no page':>9}   (seconds)"
    lines = [
        f"{one.fault:<34} {one.unacknowledged:>10.1f} {one.unstored:>16.1f} {one.pageless:>9.1f}"
        for one in result.outcomes
    ]
    end = (
        f"{result.acknowledged:,} callbacks acknowledged; missing: {result.missing}; "
        f"duplicates in effect: {result.duplicates}"
    )
    return "\n".join([head, *lines, end])


def _cause(fault: Fault, cluster: Topology, load: Load, pages: PageProbe) -> Outcome:
    """Cause the fault, wait until everything works again, and return what was noticed."""
    wait_until(cluster.has_synchronous_replica, "the replica does not follow")
    time.sleep(SETTLE)
    load.attempts()
    began = time.monotonic()
    fault.cause(cluster)
    attempts: list[Attempt] = []

    def is_over() -> bool:
        attempts.extend(load.attempts())
        recent = time.monotonic() - SETTLE
        return (
            longest_gap(stored_at(attempts), recent, time.monotonic()) < 1
            and longest_gap(pages.opened_at(), recent, time.monotonic()) < 1
            and cluster.has_synchronous_replica()
        )

    time.sleep(SETTLE)
    wait_until(is_over, f"the cluster has not recovered from: {fault.name}")
    until = time.monotonic()
    return Outcome(
        fault.name,
        longest_gap(kept_at(attempts), began, until),
        longest_gap(stored_at(attempts), began, until),
        longest_gap(pages.opened_at(), began, until),
    )


def _next_version(folder: Path) -> Path:
    """Copy the code and add a migration, as if it were the next version."""
    root = Path(tempfile.mkdtemp(dir=folder, prefix="next-"))
    for name in ("messages", "statusboard", "templates", "static", "locale"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", root)
    migrations = root / "messages" / "migrations"
    latest = max(path.stem for path in migrations.glob("0*.py"))
    text = NEXT_MIGRATION.format(latest=latest)
    (migrations / f"{int(latest[:4]) + 1:04}_next_version.py").write_text(text)
    return root


def _spooled(cluster: Topology) -> int:
    waiting = 0
    for name in WEBHOOKS:
        file = cluster.folder / name / "spool.sqlite3"
        if file.exists():
            with closing(sqlite3.connect(file)) as spool:
                sql = "SELECT count(*) FROM whatsapp_spooledcallback"
                waiting += int(spool.execute(sql).fetchone()[0])
    return waiting
