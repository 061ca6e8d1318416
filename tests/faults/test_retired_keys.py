"""Real processes refuse retired keys during a database outage and lose no other callback."""

import pytest
import requests

from tests.faults.conftest import StartDoor, assert_nothing_was_lost
from tests.faults.load import Load, lives
from tests.faults.postgresql import Cluster
from tests.faults.test_database_away import stopped
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

CALLBACK = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"]}


def test_retired_key_is_refused_during_an_outage_and_others_are_kept(
    cluster: Cluster, start_door: StartDoor
):
    door = start_door(cluster.url)
    good, retired = door.add_instance("faulty"), door.add_instance("retired")
    with cluster.connect() as connection:
        connection.execute(
            "UPDATE whatsapp_instance SET key_version = 2, oldest_key_version = 2"
            " WHERE zapi_id = 'retired'"
        )
    door.start_worker()
    keys = door.spool.with_name("spool.keys.json")
    wait_until(
        lambda: keys.exists() and '"retired": [2' in keys.read_text(), "the worker writes no keys"
    )
    with Load(good, lives()) as load:
        load.wait_for(10)
        with stopped(cluster, "fast"):
            load.wait_for(20)
            before = door.in_spool("zapi_id = 'retired'")
            answers = {
                requests.post(retired, json=CALLBACK, timeout=60).status_code for _ in range(9)
            }
            assert answers == {404}
            assert door.in_spool("zapi_id = 'retired'") == before == 0
        load.wait_for(10)
    assert_nothing_was_lost(door, load, cluster.query)
