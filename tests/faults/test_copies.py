"""Every callback is sent ten times, in random order and in parallel.

The rows equal those of sending each once in order.
"""

import random

import pytest

from tests.faults.conftest import ROUNDS, StartDoor
from tests.faults.load import EPOCH, lives, send_all
from tests.faults.postgresql import Cluster
from tests.faults.timelines import timelines

pytestmark = pytest.mark.faults


def told():
    """Callbacks with difficult cases: LIDs, groups, failures, duplicates and invalid times."""
    yield from (payload for payload, _ in zip(lives(), range(45), strict=False))
    status = {"type": "MessageStatusCallback", "momment": EPOCH}
    for number in range(6):
        name = f"H{number}"
        yield {"type": "DeliveryCallback", "messageId": name, "phone": "5544999999999"}
        yield status | {"status": "SENT", "ids": [name], "phone": "998877665544332@lid"}
        yield status | {"status": "FAILED", "ids": [name], "error": f"blocked {number}"}
        yield status | {"status": "READ", "ids": [name, "H0"], "momment": "soon"}
        for participant in ("5561", "5562"):
            yield status | {
                "status": "PLAYED",
                "ids": [name, f"{name}-group"],
                "phone": "120363-group",
                "participant": participant,
            }


def compare(door, query):
    callbacks = list(told())
    copies = callbacks * 10
    for round_ in range(ROUNDS):
        random.Random(round_).shuffle(copies)
        with_copies, once = f"copies-{round_}", f"once-{round_}"
        send_all(door.add_instance(with_copies), copies, connections=8)
        send_all(door.add_instance(once), callbacks)
        found = timelines(query, with_copies)
        assert found.missing([payload for payload in callbacks if "ids" in payload]) == 0
        assert arrivals_aside(found) == arrivals_aside(timelines(query, once))


def arrivals_aside(found):
    """Ignore arrival times: they replace an unusable `momment`, and each duplicate has its own."""
    marked = {row[0] for row in found.events if row[6]}
    messages = {row for row in found.messages if row[0] not in marked}
    assert messages
    assert len(messages) < len(found.messages)
    return messages, {row[:5] + row[6:] if row[6] else row for row in found.events}


def test_duplicates_on_postgresql_give_the_same_rows(cluster: Cluster, start_door: StartDoor):
    compare(start_door(cluster.url), cluster.query)


def test_duplicates_on_sqlite_give_the_same_rows(start_door: StartDoor):
    door = start_door()
    compare(door, door.query)
