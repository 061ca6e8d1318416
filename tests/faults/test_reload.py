"""An update as docs/operator.md describes it, while callbacks come in."""

from urllib.parse import urlsplit

import pytest

from tests.faults.conftest import ROUNDS, StartDoor, assert_nothing_was_lost, need
from tests.faults.door import Door
from tests.faults.load import Load, lives
from tests.faults.proxy import NGINX, Proxy

pytestmark = pytest.mark.faults


def update_under_load(door: Door, load: Load) -> None:
    with load:
        load.wait_for(100)
        for _ in range(ROUNDS):
            door.manage("migrate")
            door.manage("migrate", "--database", "spool")
            door.manage("collectstatic", "--no-input")
            door.reload()
        load.wait_for(100)
    assert {attempt.status for attempt in load.attempts()} == {200}
    assert_nothing_was_lost(door, load, door.query)


def test_update_leaves_no_callback_unanswered(start_door: StartDoor):
    door = start_door()
    door.start_worker()
    # One connection per callback, because a reload may close kept-alive connections.
    update_under_load(door, Load(door.add_instance("faulty"), lives(), pause=0.2, keep_alive=False))


def test_update_behind_nginx_leaves_no_callback_unanswered(start_door: StartDoor, tmp_path_factory):
    need(NGINX, "nginx", "REQUIRE_NGINX")
    door = start_door()
    door.start_worker()
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), behind=door.port)
    path = urlsplit(door.add_instance("faulty")).path
    try:
        update_under_load(door, Load(f"http://127.0.0.1:{proxy.port}{path}", lives(), pause=0.2))
    finally:
        proxy.stop()
