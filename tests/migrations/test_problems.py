"""Problems that were stored as sentences are codes."""

from datetime import UTC, datetime

import pytest

from .conftest import Migrate

NOW = datetime(2026, 11, 22, 9, 13, tzinfo=UTC)
# As stored before; code and values after.
PROBLEMS: list[tuple[str, str, list[str] | None]] = [
    (
        "Z-API has no URL to call, so this board hears nothing. Push again to set it.",
        *("url missing", None),
    ),
    ("The name can have at most 100 characters.", "long name", None),
    ("The receiver's URL has changed. Enter the new one.", "redirects", None),
    ("Nobody knows {} 100 %.", "other", ["Nobody knows {} 100 %."]),
    ("", "", None),
]


@pytest.mark.parametrize(("stored", "code", "values"), PROBLEMS)
def test_a_stored_sentence_becomes_a_code(migrate_to: Migrate, stored, code, values):
    former = migrate_to("0055_failure_code")
    create = {
        name: former.get_model("whatsapp", name).objects.create
        for name in ("Account", "Instance", "Webhook", "Batch", "BatchRow", "Channel", "Incident")
    }
    instance = create["Instance"](account=create["Account"](name="A"), zapi_id="I", name="I")
    create["Webhook"](instance=instance, kind="message-status", problem=stored)
    batch = create["Batch"](kind="push")
    create["BatchRow"](batch=batch, number=1, plan="push", problem=stored)
    create["Channel"](name="C", kind="slack", problem=stored)
    times = {"opened_at": NOW, "last_seen_at": NOW}
    of = {"count": 4, "of": 5}
    create["Incident"](kind="unreachable", values=of | {"problem": stored}, **times)
    create["Incident"](kind="forwarding", values={"problem": "too slow"}, **times)

    now = migrate_to("0057_problems")
    for name in ("Webhook", "BatchRow", "Channel"):
        row = now.get_model("whatsapp", name).objects.get()
        assert (row.problem, row.problem_values) == (code, values)
    incidents = now.get_model("whatsapp", "Incident").objects
    found = incidents.get(kind="unreachable").values
    kept = {"problem": code, "problem_values": values}
    assert found == of | {name: value for name, value in kept.items() if value}
    assert incidents.get(kind="forwarding").values == {"problem": "too slow"}

    migrate_to("0055_failure_code")
    restored = former.get_model("whatsapp", "Webhook").objects.get().problem
    assert restored == stored.replace("'", "’")
