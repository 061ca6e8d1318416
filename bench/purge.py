"""Measure the webhook while the worker purges old messages."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.board import ROOT, environment, psql
from bench.ingest import OURS
from bench.load import Result, load, server
from bench.seeded import BASE, held, prepare
from bench.table import Figure

DATABASE: Final = f"{BASE}_purged"
# Messages that the purge leaves.
REST: Final = 50_000
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


def purged(messages: int, seconds: float) -> list[Figure]:
    """Measure latency during a purge, and how much space is reusable after a VACUUM."""
    path = prepare(DATABASE, messages + REST, may_seed=True)
    with server(OURS, environment(DATABASE), path):
        load(path, 1)
        alone = [load(path, seconds) for _ in range(3)]
        psql(DATABASE, "VACUUM")
        size, before, free_before = _size(), held(DATABASE), _free()
        with _purge(messages) as purge:
            beside = _load_until_it_ends(purge, path, seconds)
    gone = int(purge.communicate()[0])
    psql(DATABASE, "VACUUM")
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
        env=os.environ | environment(DATABASE),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    time.sleep(3)  # the purge first searches for the oldest messages
    try:
        yield process
    finally:
        process.wait()


def _size() -> int:
    return sum(int(psql(DATABASE, f"SELECT pg_relation_size('{table}')")) for table in _TABLES)


def _free() -> int:
    psql(DATABASE, "CREATE EXTENSION IF NOT EXISTS pg_freespacemap")
    return sum(
        int(psql(DATABASE, f"SELECT sum(avail) FROM pg_freespace('{table}')")) for table in _TABLES
    )
