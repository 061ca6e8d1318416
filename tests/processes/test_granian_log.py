"""The log lines of granian itself, next to those of Statusboard."""

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from django.test import override_settings

from messages.management.commands.serve import web_server
from tests.faults.postgresql import children
from tests.plugins.processes import ROOT, free_port, fresh_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

CODE = ("statusboard", "messages", "templates", "static", "locale", "manage.py")


class WebServer:
    def __init__(self, folder: Path, root: Path = ROOT, **more: str) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        self._log = folder / "log"
        with override_settings(PORT=port, WEB_WORKERS=1):
            command = [*web_server(), "--log-level", "info"]
        environment = fresh_environment(folder, **more)
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=root, env=environment, stdout=log, stderr=log
            )

    @property
    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def ask(self, path: str) -> int:
        """Request a path; return the status, or 0 without a response."""
        with suppress(requests.ConnectionError):
            return requests.get(self._url + path, timeout=60).status_code
        return 0

    def wait_for_line(self, words: str) -> None:
        wait_until(lambda: any(words in line for line in self.lines), f"no line says {words}")

    def wait_until_it_answers(self) -> None:
        wait_until(lambda: self.ask("/healthz") == 200, "the web server does not answer")

    def kill_a_process(self) -> None:
        os.kill(children(self.process.pid)[0], signal.SIGKILL)
        self.wait_for_line("Unexpected exit")
        self.wait_until_it_answers()

    def reload(self) -> None:
        old = set(children(self.process.pid))
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not old & set(children(self.process.pid)), "an old process is left")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture
def start_web_server(tmp_path):
    servers = []

    def start(**more):
        servers.append(WebServer(tmp_path, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_every_log_line_is_json_with_log_format_json(start_web_server):
    server = start_web_server(LOG_FORMAT="json")
    server.wait_until_it_answers()
    server.kill_a_process()
    assert server.ask("/nowhere/") == 404
    server.reload()
    server.stop()
    lines = [json.loads(line) for line in server.lines]
    assert {"_granian", "django.request"} <= {line["logger"] for line in lines}
    said = " ".join(line["message"] for line in lines)
    for words in ("Starting granian", "Unexpected exit", "HUP signal", "Shutting down"):
        assert words in said


def test_granian_log_lines_have_the_text_format(start_web_server):
    server = start_web_server()
    server.wait_until_it_answers()
    server.wait_for_line("INFO [-] _granian: Starting granian")


def test_invalid_settings_are_logged_as_one_json_line(start_web_server):
    server = start_web_server(LOG_FORMAT="json", TRUSTED_PROXY_HEADER="X-Real-IP")
    server.process.wait(60)
    found = [line for line in map(json.loads, server.lines) if line["level"] == "CRITICAL"]
    assert {line["message"] for line in found} == {
        "TRUSTED_PROXY_HEADER must be X-Forwarded-For or Forwarded."
    }


def test_reload_applies_new_code_and_env_file(start_web_server, tmp_path):
    root = tmp_path / "checkout"
    root.mkdir()
    for name in CODE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    (root / ".env").write_text("LOG_FORMAT=json\n")
    server = start_web_server(root=root)
    server.wait_until_it_answers()
    # This module is also loaded in granian's main process.
    code = root / "statusboard" / "logs.py"
    code.write_text(code.read_text().replace('"logger": record.name', '"source": record.name'))
    (root / ".env").write_text("LOG_FORMAT=json\nMETRICS_TOKEN=new\n")
    server.reload()
    assert server.ask("/metrics") == 401
    server.ask("/nowhere/")
    assert "django.request" in [json.loads(line).get("source") for line in server.lines]
