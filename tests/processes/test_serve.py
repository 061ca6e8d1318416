"""`make run` runs `manage.py serve`, which starts a working site from an empty folder."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import requests

from tests.plugins.processes import ROOT, fresh_environment

pytestmark = pytest.mark.processes

# The five callbacks documented on Z-API's page "Message status".
DOCUMENTED = [
    {
        "status": status,
        "ids": ["999999999999999999999"],
        "momment": 1632234645000,
        "phone": "5544999999999",
        "type": "MessageStatusCallback",
        "instanceId": "instance.id",
    }
    for status in ("SENT", "RECEIVED", "READ", "READ_BY_ME", "PLAYED")
]


def sign_in(board, password):
    session = requests.Session()
    page = session.get(f"{board.url}/account/login/")
    assert page.status_code == 200
    form = {
        "login": "admin",
        "password": password,
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
    }
    answer = session.post(f"{board.url}/account/login/", form, headers={"Referer": board.url})
    assert answer.status_code == 200
    return session


def test_documented_callbacks_give_one_message_with_its_timeline(board):
    added = board.manage(
        *("instances", "add", "--name", "Loja", "--zapi-id", "instance.id", "--token", "t" * 32),
        *("--no-push", "--json"),
    )
    webhook = json.loads(added.stdout)["webhook_url"]
    for callback in DOCUMENTED:
        assert requests.post(webhook, json=callback, timeout=60).status_code == 200
    session = sign_in(board, board.password)
    found = session.get(f"{board.url}/", params={"q": "999999999999999999999"}, timeout=60).text
    message = re.search(r'href="(/messages/\d+/)"', found)
    assert message
    page = session.get(board.url + message[1], timeout=60).text
    steps = re.findall(r"class=\"step-name\">\s*(\w+)\s*<", page)
    assert steps == ["Dispatched", "Sent", "Delivered", "Read", "Played"]
    assert "Read by us" in page


def test_second_run_keeps_the_data_and_prints_no_password(start_board):
    first = start_board()
    password = first.password
    assert first.interrupt() == 0
    second = start_board()
    assert second.password is None
    sign_in(second, password)


def test_ctrl_c_stops_web_and_worker(start_board):
    board = start_board()
    children = subprocess.run(
        ["pgrep", "-P", str(board.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(children) == 2
    assert board.interrupt() == 0
    alive = subprocess.run(
        ["ps", "-o", "pid=", "-p", ",".join(children)], capture_output=True, check=False
    )
    assert alive.stdout.strip() == b""


def test_serve_only_warns_that_push_is_disabled(board):
    assert "PUBLIC_BASE_URL is not set, so webhooks are not pushed" in board.output
    assert "Warning" not in board.output.replace("WARNING", "")


@pytest.mark.parametrize("command", [["help"], ["check"]])
def test_command_with_a_closed_output_pipe_prints_no_error(board, command):
    read, write = os.pipe()
    os.close(read)
    told = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=board.environment,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (told.returncode, told.stderr) == (1, "")


def test_port_in_use_is_explained(board):
    second = board.manage("serve")
    assert second.returncode == 1
    assert "choose another: PORT" in second.stderr


def test_secrets_file_is_readable_by_its_owner_only(board):
    assert (board.folder / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_sqlite_uses_write_ahead_logging(board):
    with closing(sqlite3.connect(board.folder / "statusboard.sqlite3")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"DATABASE_URL": "postgres://postgres@127.0.0.1/none"},
            "SECRET_KEY, WEBHOOK_SIGNING_KEYS",
        ),
        ({"DATABASE_URL": "mysql://127.0.0.1/none"}, "must name postgres:// or sqlite://"),
        (
            {
                "DATABASE_URL": "postgres://somebody:secret@127.0.0.1:9/none",
                "STATUSBOARD_GENERATE_SECRETS": "1",
            },
            "Cannot reach the database",
        ),
        ({"PUBLIC_BASE_URL": "http://board.example.com"}, "only accepts https"),
        ({"FIELD_ENCRYPTION_KEYS": "short"}, "32 bytes in url-safe base64"),
        ({"WEBHOOK_SIGNING_KEYS": "short"}, "which can be guessed"),
    ],
)
def test_serve_with_invalid_settings_fails_with_a_clear_message(tmp_path, environment, sentence):
    refused = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=fresh_environment(tmp_path, **environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr
