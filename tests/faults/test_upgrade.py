"""`migrate` from the state of the last release, and back, while callbacks come in.

The code is that of this version throughout: 1.0.0 is the first release, so there is no earlier tag
to check out, and a shallow clone has no earlier commit. This version on the older tables shows the
same conflict as an older version on the newer tables: callbacks must go to the spool. A fault in
the code of an older version stays unseen. Once a second release exists, start its predecessor here.
"""

import pytest

from messages.management.migration_locks import BASELINE
from tests.faults.conftest import StartDoor, assert_nothing_was_lost
from tests.faults.door import Door
from tests.faults.load import Load, lives
from tests.faults.postgresql import Cluster

pytestmark = pytest.mark.faults


def steady(url: str) -> Load:
    """At most 20 callbacks a second: a migration may take minutes on a busy machine."""
    return Load(url, lives(), connections=2, pause=0.1)


@pytest.fixture
def door(cluster: Cluster, start_door: StartDoor) -> Door:
    return start_door(cluster.url)


def test_callbacks_during_a_migration_are_not_lost(cluster: Cluster, door: Door):
    """While the tables do not fit the code, callbacks go to the spool."""
    with steady(door.add_instance("faulty")) as load:
        load.wait_for(50)
        door.manage("migrate", "whatsapp", BASELINE)
        load.wait_for(50)
        load.attempts()
        door.manage("migrate")
        load.wait_for(50)
        assert {attempt.status for attempt in load.attempts()} == {200}
    door.start_worker()
    assert_nothing_was_lost(door, load, cluster.query)


def test_callback_during_a_migration_that_holds_a_lock_goes_to_the_spool(
    cluster: Cluster, door: Door
):
    with steady(door.add_instance("faulty")) as load:
        load.wait_for(20)
        with cluster.connect() as migration, migration.transaction():
            migration.execute("ALTER TABLE whatsapp_message ADD COLUMN later int")
            load.attempts()
            load.wait_for(50)
            answers = load.attempts()
        assert {answer.status for answer in answers} == {200}
        assert any(answer.outcome == "spooled" for answer in answers)
    door.start_worker()
    assert_nothing_was_lost(door, load, cluster.query)
