"""`statusboard.wsgi:webhook_application` serves only the webhook endpoint."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.test import override_settings

from messages.management.commands.serve import web_server
from tests.plugins.processes import ROOT, Board, free_port
from tests.processes.wire import exchange, request, status_of

pytestmark = pytest.mark.processes

STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": "5544999999999"}
JSON = "Content-Type: application/json"
MIB = 1024


class Door:
    def __init__(self, board: Board) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with override_settings(PORT=self.port, WEB_WORKERS=1):
            command = web_server()
        command[-1] = "statusboard.wsgi:webhook_application"
        self.log = board.folder / "door.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=board.environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                requests.get(self.url, timeout=60)
            except requests.ConnectionError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    @property
    def peak_memory(self) -> int:
        """The peak memory of the largest process in KiB."""
        parent = str(self.process.pid)
        children = subprocess.run(
            ["pgrep", "-P", parent], capture_output=True, text=True, check=False
        ).stdout.split()
        return max(_peak(pid) for pid in [parent, *children])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def _peak(pid: str) -> int:
    status = Path("/proc", pid, "status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.fixture(scope="module")
def door(board):
    door = Door(board)
    yield door
    door.stop()


@pytest.fixture(scope="module")
def path(board):
    arguments = ["--name", "Door", "--zapi-id", "door", "--token", "t" * 32]
    added = board.manage("instances", "add", *arguments, "--no-push", "--json")
    return urlsplit(json.loads(added.stdout)["webhook_url"]).path


def test_webhook_application_accepts_callbacks(door, path, board):
    answer = requests.post(door.url + path, json=STATUS, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"outcome": "applied"})
    # The full application on the same database already has the callback.
    again = requests.post(board.url + path, json=STATUS, timeout=60)
    assert again.json() == {"outcome": "repeated"}


@pytest.mark.parametrize(
    "page", ["/", "/account/login/", "/admin/", "/instances/", "/static/css/base.css", "/webhooks/"]
)
def test_webhook_application_serves_no_pages(door, page):
    answer = requests.get(door.url + page, timeout=60, allow_redirects=False)
    assert (answer.status_code, answer.cookies.get_dict()) == (404, {})


def test_webhook_application_accepts_any_host(door, path):
    """Any Host header is accepted. Load balancers use IPs, and this application has no pages."""
    sent = request(path, json.dumps(STATUS).encode(), JSON)
    assert status_of(exchange(door.port, sent.replace(b"127.0.0.1", b"10.1.2.3"))) == 200


def test_webhook_application_serves_healthz_for_any_host(door):
    answer = requests.get(f"{door.url}/healthz", headers={"Host": "10.1.2.3"}, timeout=60)
    assert (answer.status_code, answer.text.strip()) == (200, "ok")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="asks Linux for memory")
def test_body_over_the_limit_uses_no_memory(door, path):
    requests.post(door.url + path, json=STATUS, timeout=60)
    before = door.peak_memory
    flood = [b"100000\r\n" + b" " * 0x100000 + b"\r\n"] * 100
    declared = request(path, b"", JSON, f"Content-Length: {100 << 20}")
    chunked = request(path, b"", JSON, "Transfer-Encoding: chunked")
    answers = [exchange(door.port, chunked, *flood), exchange(door.port, declared, *flood)]
    assert {status_of(answer) for answer in answers} <= {413, 0}
    assert door.peak_memory - before < 20 * MIB
    assert requests.post(door.url + path, json=STATUS, timeout=60).status_code == 200


def test_chunked_body_is_accepted_up_to_the_limit(door, path):
    def chunked(body):
        chunk = f"{len(body):x}".encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
        head = request(path, b"", JSON, "Transfer-Encoding: chunked")
        return status_of(exchange(door.port, head + chunk))

    body = json.dumps(STATUS).encode()
    assert chunked(body) == 200
    assert chunked(body.ljust(256 * 1024)) == 200
    assert chunked(body.ljust(256 * 1024 + 1)) == 413


def test_malformed_http_is_a_client_error(door, path):
    start = request(path, b"", JSON, "Content-Length: {}").decode()
    for length in ("abc", "-1", "9" * 40, "1, 2"):
        assert status_of(exchange(door.port, start.format(length).encode())) in (400, 413)
    many = [f"X-{number}: 1" for number in range(500)]
    assert status_of(exchange(door.port, request(path, b"{}", JSON, *many))) == 431
    assert status_of(exchange(door.port, request(path, b"{}", JSON, "X: " + "a" * 900_000))) == 431


def test_client_that_disconnects_causes_no_error(door, path):
    for part in (b"", b'{"type":', b"x" * 9_000):
        exchange(door.port, request(path, part, JSON, "Content-Length: 10000"), patience=0.3)
    assert requests.post(door.url + path, json=STATUS, timeout=60).status_code == 200
    assert "Traceback" not in door.log.read_text()


def test_webhook_application_imports_no_page_views(board):
    code = (
        "import sys, statusboard.wsgi, messages.webhooks.urls;"
        "print([name for name in sys.modules if 'dashboard.messages.views' in name])"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(
        command, cwd=ROOT, env=board.environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout == "[]\n"


def test_pages_are_loaded_once_and_excluded_from_garbage_collection(board):
    code = (
        "import gc; from statusboard.wsgi import load_pages; before = gc.get_freeze_count();"
        "load_pages(); loaded = gc.get_freeze_count(); load_pages();"
        "print(loaded > before, gc.get_freeze_count() == loaded)"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(
        command, cwd=ROOT, env=board.environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout == "True True\n"
