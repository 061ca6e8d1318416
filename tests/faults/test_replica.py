"""Pages that read from a replica: here a second database, so that its rows can differ."""

import secrets
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from django.test import override_settings

from bench.availability import SESSION
from tests.faults.conftest import need
from tests.faults.door import Door
from tests.faults.load import lives, send_all
from tests.faults.postgresql import Cluster, binaries
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

ON_PRIMARY, ON_REPLICA = "ID-ON-PRIMARY", "ID-ON-REPLICA"


class Board:
    """A dashboard with a primary and a replica that show different messages."""

    def __init__(self, door: Door, server: Cluster, session: str) -> None:
        self._door, self._server = door, server
        self._cookies = f"sessionid={session}"

    def page(self, cookies: str = "") -> str:
        """The message list; raises HTTPError if the answer is not a success."""
        headers = {"Cookie": f"{self._cookies}; {cookies}"}
        url = f"http://127.0.0.1:{self._door.port}/"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return str(answer.read().decode())

    def change_something(self) -> str:
        """Send a POST, as any form does. Returns the cookies that it set."""
        token = secrets.token_hex(16)
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._door.port}/search/",
            data=b"q=nobody",
            headers={"Cookie": f"{self._cookies}; csrftoken={token}", "X-CSRFToken": token},
        )
        with urllib.request.build_opener(_NoRedirect).open(request) as answer:
            cookies = answer.headers.get_all("Set-Cookie")
        return "; ".join(one.split(";")[0] for one in cookies)

    def set_heartbeat(self, moment: str) -> None:
        self._server.query(f"UPDATE whatsapp_workerbeat SET beat_at = {moment}", "replica")

    def wait_for(self, message: str) -> None:
        wait_until(lambda: message in self.page(), f"the page does not show {message}", seconds=30)


class _NoRedirect(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: object, response: object) -> object:
        return response


@pytest.fixture(scope="module")
def board(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    need(binaries(), "PostgreSQL's initdb", "REQUIRE_POSTGRES_BINARIES")
    server.empty()
    replica = server.url.replace("/board", "/replica")
    folder = tmp_path_factory.mktemp("replica")
    # Each web process decides for itself where it reads: with one, the tests know.
    with override_settings(WEB_WORKERS=1):
        door = Door(folder, server.url, REPLICA_DATABASE_URL=replica)
    try:
        door.start_worker()
        send_all(door.add_instance("shop"), [next(lives(1))])
        wait_until(lambda: server.query("SELECT 1 FROM whatsapp_workerbeat"), "no heartbeat")
        server.query(f"UPDATE whatsapp_message SET zapi_id = '{ON_PRIMARY}'")
        session = door.manage("shell", "--no-imports", "--command", SESSION).strip()
        _copy(server)
        server.query(f"UPDATE whatsapp_message SET zapi_id = '{ON_REPLICA}'", "replica")
        board = Board(door, server, session)
        board.set_heartbeat("now() + interval '1 hour'")
        yield board
    finally:
        door.stop()


def _copy(server: Cluster) -> None:
    server.query("DROP DATABASE IF EXISTS replica WITH (FORCE)", "postgres")
    server.query("CREATE DATABASE replica", "postgres")
    url = server.url
    dump = subprocess.run(["pg_dump", url], check=True, stdout=subprocess.PIPE).stdout
    target = url.replace("/board", "/replica")
    subprocess.run(["psql", "-q", target], input=dump, check=True, stdout=subprocess.DEVNULL)


def test_page_with_current_replica_reads_from_it(board: Board):
    board.wait_for(ON_REPLICA)


def test_page_after_own_change_reads_from_the_primary(board: Board):
    board.wait_for(ON_REPLICA)
    assert ON_PRIMARY in board.page(cookies=board.change_something())


def test_page_with_lagging_replica_reads_from_the_primary(board: Board):
    board.wait_for(ON_REPLICA)
    board.set_heartbeat("now() - interval '1 minute'")
    board.wait_for(ON_PRIMARY)
    board.set_heartbeat("now() + interval '1 hour'")
    board.wait_for(ON_REPLICA)


def test_page_whose_replica_fails_is_read_from_the_primary(board: Board, server: Cluster):
    board.wait_for(ON_REPLICA)
    server.query("ALTER TABLE whatsapp_message RENAME TO gone", "replica")
    assert ON_PRIMARY in board.page()
