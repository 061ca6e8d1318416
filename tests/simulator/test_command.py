"""`manage.py zapi_simulator` as a process of its own, called over HTTP."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.request import Request, urlopen

import pytest
import requests

pytestmark = pytest.mark.processes


@contextmanager
def running(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Start it on a free port; gives what it printed until it was ready, address last."""
    # A database that cannot be: the stand-in must not ask for one.
    environment = os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "zapi_simulator", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout
    assert process.stderr
    try:
        said = ""
        while "listens at" not in said:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        yield said, process
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
        process.stderr.close()


def address(said: str) -> str:
    (found,) = re.findall(r"listens at (\S+)", said)
    return str(found)


def put(url: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    urlopen(Request(url, json.dumps(body).encode(), headers, method="PUT")).close()  # noqa: S310


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[dict[str, str], dict[str, Any]]]]]:
    """Stand in for the board: keeps the headers and the payload of every callback."""
    heard: list[tuple[dict[str, str], dict[str, Any]]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard.append((headers | {":path": self.path}, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly(number):
    with running() as (_, process):
        process.send_signal(number)
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0


def test_it_serves_https_with_the_certificate_that_it_wrote(tmp_path):
    file = tmp_path / "stand-in.pem"
    with running("--https", "--certificate", str(file)) as (said, _):
        assert str(file) in said
        url = f"{address(said)}/instances/A/token/T/me"
        assert requests.get(url, verify=str(file), timeout=60).json()["connected"]


def test_it_answers_as_told():
    with running("--answer", "too-many") as (said, _):
        url = f"{address(said)}/instances/A/token/T/me"
        assert requests.get(url, timeout=60).status_code == 429


def test_it_emits_to_the_url_registered_as_z_api_does():
    with listening() as (board, heard):
        options = ("--emit", "--count", "25", "--rate", "500", "--deliver-to", board)
        with running(*options, "--seed", "1") as (said, process):
            url = f"{address(said)}/instances/ABC/token/T/update-webhook-message-status"
            put(url, {"value": "https://board.example.com/hook/?x=1"})
            assert process.wait(timeout=60) == 0
    assert len(heard) == 25
    headers, payload = heard[0]
    assert headers[":path"] == "/hook/?x=1"
    assert headers["origin"] == "https://api.z-api.io"
    assert headers["z-api-token"] == "T"
    assert payload["type"] == "MessageStatusCallback"


def test_the_past_of_several_instances_is_told_in_the_order_of_time():
    with listening() as (board, heard):
        options = ("--emit", "--history", "30", "--count", "60", "--deliver-to", board)
        with running(*options, "--seed", "1") as (said, process):
            for name in ("ABC", "DEF"):
                url = f"{address(said)}/instances/{name}/token/T/update-webhook-message-status"
                put(url, {"value": "https://board.example.com/hook/"})
            assert process.wait(timeout=60) == 0
    told = [payload for _headers, payload in heard]
    turns = [one["instanceId"] != other["instanceId"] for one, other in itertools.pairwise(told)]
    assert sum(turns) > 5
    # Some arrive late, as in life; most come in order, whichever instance they are of.
    in_order = [one["momment"] <= other["momment"] for one, other in itertools.pairwise(told)]
    assert sum(in_order) >= 0.8 * len(in_order)


def test_a_port_in_use_is_said():
    with running() as (said, _):
        port = address(said).rpartition(":")[2]
        command = [sys.executable, "manage.py", "zapi_simulator", "--port", port]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "Cannot listen" in answer.stderr
