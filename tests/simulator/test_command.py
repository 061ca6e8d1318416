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
    """Start the simulator on a free port. Yield its startup output; the last line is the URL."""
    # An impossible database, because the simulator must not use one.
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
        output = ""
        while "listens at" not in output:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            output += line
        yield output, process
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
        process.stderr.close()


def url_in(output: str) -> str:
    (found,) = re.findall(r"listens at (\S+)", output)
    return str(found)


def put(url: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    urlopen(Request(url, json.dumps(body).encode(), headers, method="PUT")).close()  # noqa: S310


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[dict[str, str], dict[str, Any]]]]]:
    """A receiver that keeps the headers and the payload of every callback."""
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
def test_simulator_stops_on_signal(number):
    with running() as (_, process):
        process.send_signal(number)
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0


def test_https_uses_the_certificate_that_was_written(tmp_path):
    file = tmp_path / "certificate.pem"
    with running("--https", "--certificate", str(file)) as (output, _):
        assert str(file) in output
        url = f"{url_in(output)}/instances/A/token/T/me"
        assert requests.get(url, verify=str(file), timeout=60).json()["connected"]


def test_answer_option_sets_the_answer():
    with running("--answer", "too-many") as (output, _):
        url = f"{url_in(output)}/instances/A/token/T/me"
        assert requests.get(url, timeout=60).status_code == 429


def test_callbacks_are_sent_to_the_registered_url():
    with listening() as (board, heard):
        options = ("--emit", "--count", "25", "--rate", "500", "--deliver-to", board)
        with running(*options, "--seed", "1") as (output, process):
            url = f"{url_in(output)}/instances/ABC/token/T/update-webhook-message-status"
            put(url, {"value": "https://board.example.com/hook/?x=1"})
            assert process.wait(timeout=60) == 0
    assert len(heard) == 25
    headers, payload = heard[0]
    assert headers[":path"] == "/hook/?x=1"
    assert headers["origin"] == "https://api.z-api.io"
    assert headers["z-api-token"] == "T"
    assert payload["type"] == "MessageStatusCallback"


def test_history_of_several_instances_is_sent_in_order():
    with listening() as (board, heard):
        options = ("--emit", "--history", "30", "--count", "60", "--deliver-to", board)
        with running(*options, "--seed", "1") as (output, process):
            for name in ("ABC", "DEF"):
                url = f"{url_in(output)}/instances/{name}/token/T/update-webhook-message-status"
                put(url, {"value": "https://board.example.com/hook/"})
            assert process.wait(timeout=60) == 0
    told = [payload for _headers, payload in heard]
    turns = [one["instanceId"] != other["instanceId"] for one, other in itertools.pairwise(told)]
    assert sum(turns) > 5
    # Some callbacks arrive late, as in reality. Most arrive in order across all instances.
    in_order = [one["momment"] <= other["momment"] for one, other in itertools.pairwise(told)]
    assert sum(in_order) >= 0.8 * len(in_order)


def test_port_in_use_is_reported():
    with running() as (output, _):
        port = url_in(output).rpartition(":")[2]
        command = [sys.executable, "manage.py", "zapi_simulator", "--port", port]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "Cannot listen" in answer.stderr


def test_case_option_changes_the_instance():
    with running("--case", "ABC:receipts-off", "--case", "DEF:disconnected") as (output, _):
        first, second = (
            requests.get(f"{url_in(output)}/instances/{name}/token/T/me", timeout=60).json()
            for name in ("ABC", "DEF")
        )
    assert (first["autoReadMessage"], first["connected"]) == (True, True)
    assert (second["autoReadMessage"], second["connected"]) == (False, False)
