"""The real server answers callbacks even if page clients are slow or send large bodies."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.plugins.processes import Board
from tests.processes.wire import exchange, request, status_of
from tests.waiting import wait_until

LARGE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
FORM = "Content-Type: application/x-www-form-urlencoded"
# Without this cookie, Django refuses a form before it reads the body.
COOKIE = f"Cookie: csrftoken={'c' * 32}"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("board")
    (folder / "tmp").mkdir()
    board = Board(folder, TMPDIR=str(folder / "tmp"), WEBHOOK_TRUSTED_PROXIES="127.0.0.1/32")
    yield board
    board.interrupt()


@pytest.fixture(scope="module")
def webhook(board: Board) -> str:
    arguments = ["--name", "Shop", "--zapi-id", "shop", "--token", "t" * 32]
    added = board.manage("instances", "add", *arguments, "--no-push", "--json")
    path: str = urlsplit(json.loads(added.stdout)["webhook_url"]).path
    return board.url + path


@contextmanager
def clients(board: Board, count: int, beginning: bytes, *, reads: bool = False) -> Iterator[None]:
    """Open `count` connections that send only `beginning`.

    With `reads`, each then reads one byte of the response.
    """
    with ExitStack() as stack:
        for _ in range(count):
            wire = socket.socket()
            stack.enter_context(wire)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            wire.connect(("127.0.0.1", board.port))
            wire.sendall(beginning)
            if reads:
                wire.settimeout(10)
                wire.recv(1)
        time.sleep(0.5)
        yield


def callbacks(webhook: str, count: int = 30) -> set[int]:
    body = {"type": "MessageStatusCallback", "status": "READ", "phone": "5544999999999"}

    def send(number: int) -> int:
        told = body | {"ids": [f"M{number}-{time.time()}"]}
        return requests.post(webhook, json=told, timeout=20).status_code

    with ThreadPoolExecutor(6) as pool:
        return set(pool.map(send, range(count)))


def test_slow_readers_do_not_block_callbacks(board, webhook):
    beginning = request(LARGE, b"", method="GET")
    with clients(board, 40, beginning, reads=True):
        assert callbacks(webhook) == {200}


@pytest.mark.parametrize(
    "path", ["/account/login/", "/", "/api/v1/messages/", "/nothing/", "/static/nothing"]
)
def test_slow_uploads_do_not_block_callbacks(board, webhook, path):
    with clients(board, 60, request(path, b"", FORM, COOKIE, "Content-Length: 5000")):
        assert callbacks(webhook) == {200}


def test_pages_are_available_after_slow_clients_disconnect(board):
    with clients(board, 60, request("/account/login/", b"", FORM, COOKIE, "Content-Length: 5000")):
        pass
    login = f"{board.url}/account/login/"
    wait_until(lambda: requests.get(login, timeout=60).status_code == 200, "pages stay busy")


def test_slow_uploads_without_a_valid_key_do_not_block_callbacks(board, webhook):
    key = urlsplit(webhook).path
    bodies = [
        request(
            f"{key[:-10]}wrong/", b"", "Content-Type: application/json", "Content-Length: 5000"
        ),
        request(key, b"", "Content-Length: 5000", method="GET"),
        request("/healthz", b"", "Content-Length: 5000"),
    ]
    with ExitStack() as stack:
        for body in bodies:
            stack.enter_context(clients(board, 30, body))
        assert callbacks(webhook) == {200}


def test_large_upload_without_a_session_uses_no_disk_or_memory(board):
    before = memory(board)
    head = request(
        "/account/login/",
        b"",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {300 << 20}",
    )
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    most = Most(lambda: stored(board.folder / "tmp"))
    with most.watching():
        answers = [
            exchange(board.port, head, part, *[b"x" * 2**20] * 300),
            exchange(
                board.port,
                head.replace(b"/account/login/", b"/instances/import/"),
                part,
                *[b"x" * 2**20] * 300,
            ),
        ]
    assert {status_of(answer) for answer in answers} <= {413, 0}
    assert most.seen < 2**20
    assert memory(board) - before < 60 * 1024


def test_chunked_upload_uses_no_disk_or_memory(board):
    before = memory(board)
    head = request(
        "/account/login/",
        b"",
        "Content-Type: multipart/form-data; boundary=x",
        "Transfer-Encoding: chunked",
    )
    chunk = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
    most = Most(lambda: stored(board.folder / "tmp"))
    with most.watching():
        assert status_of(exchange(board.port, head, *[chunk] * 100)) in {411, 0}
    assert most.seen < 2**20
    assert memory(board) - before < 60 * 1024


def test_ten_simultaneous_visitors_get_the_page_and_its_files(board):
    with requests.Session() as session:
        page = session.get(f"{board.url}/account/login/", timeout=60).text
    files = [part.split('"')[0] for part in page.split('href="')[1:] + page.split('src="')[1:]]
    files = [file for file in files if file.startswith("/static/")]
    assert len(files) > 3

    def open_all(_: int) -> set[int]:
        with requests.Session() as session:
            first = session.get(f"{board.url}/account/login/", timeout=60).status_code
            with ThreadPoolExecutor(6) as pool:
                found = pool.map(lambda file: session.get(board.url + file, timeout=60), files * 3)
                return {first, *(answer.status_code for answer in found)}

    with ThreadPoolExecutor(10) as people:
        assert set().union(*people.map(open_all, range(10))) == {200}


class Most:
    """Records the largest value that `measure` returns while the `with` block runs."""

    def __init__(self, measure: Callable[[], int]) -> None:
        self.seen = 0
        self._measure = measure
        self._over = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.seen = max(self.seen, self._measure())


def stored(folder: Path) -> int:
    sizes = []
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return sum(sizes)


def memory(board: Board) -> int:
    """The sum of the peak memory of all processes in KiB."""
    pids, seen = [board.process.pid], []
    while pids:
        pid = pids.pop()
        try:
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            seen.append(int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]))
        except (FileNotFoundError, IndexError):
            continue
    return sum(seen)


pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="asks Linux"),
]
