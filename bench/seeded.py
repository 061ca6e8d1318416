"""Databases with invented messages, seeded once and used again."""

import os
from typing import Final

from bench.board import ask, exists, make_empty, manage, shell

BASE: Final = os.environ.get(
    "BENCH_SCALE_URL", "postgres://postgres@127.0.0.1:5432/statusboard_scale"
)
DAYS: Final = 90
CONNECT: Final = """
from messages.instances.connect import connect
from messages.instances.webhook_keys import WebhookKey, webhook_path
from messages.models import Instance
if not Instance.objects.filter(zapi_id="bench-instance").exists():
    connect(name="Bench", zapi_id="bench-instance", token="bench-token")
print(webhook_path(WebhookKey("bench-instance", 1)))
"""


def prepare(url: str, messages: int, *, may_seed: bool) -> str:
    """Make sure that the database has about as many messages; return the path of a webhook."""
    found = held(url) if exists(url) else 0
    # Each run of a benchmark adds some.
    if may_seed and not messages * 0.9 < found < messages * 2:
        print(f"Seeding {messages:,} messages ...", flush=True)
        make_empty(url)
        print(manage(url, "seed_history", "--messages", str(messages), "--days", str(DAYS)))
    manage(url, "migrate", "--verbosity", "0")
    return shell(url, CONNECT)


def held(url: str) -> int:
    """Close to the number of messages, and found at once. A purge deletes the lowest ids."""
    return int(ask(url, "SELECT coalesce(max(id) - min(id) + 1, 0) FROM whatsapp_message"))
