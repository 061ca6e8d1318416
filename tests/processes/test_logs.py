"""Logs and files contain no secret of any request.

The tests search the output of web server and worker, and every file of the data folder except
secrets.env. Secrets from headers or URLs may not occur anywhere, not even in the databases. Bodies
are stored unchanged. So for secrets in bodies, only the columns derived from bodies are searched.
"""

import gzip
import json
import sqlite3
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from tests.plugins.processes import Board
from tests.processes.test_serve import sign_in
from tests.processes.wire import exchange, request, status_of

pytestmark = pytest.mark.processes

TOKEN = "1n5tanceT0kenF1"
WRONG_TOKEN = "Wr0ngHeaderT0ken"
CLIENT_TOKEN = "Cl1entT0kenOfTheAccount"
ECHOED = "Ech0edCl1entT0ken"
IN_A_BODY = "T0kenInABrokenB0dy"
WRONG_KEY = "Wr0ngKeyOfAStranger"
BEARER = "Be4rerOfNothing"
FROM_HEADERS = (TOKEN, WRONG_TOKEN, CLIENT_TOKEN, WRONG_KEY, BEARER)
FROM_BODIES = (ECHOED, IN_A_BODY)
JSON = "Content-Type: application/json"
# Columns that are derived from bodies and shown on pages.
SHOWN = {
    "whatsapp_message": "failure || phone || zapi_id",
    "whatsapp_statusevent": "reason || raw_status || momment",
    "whatsapp_callback": "cause || coalesce(CAST(cause_values AS text), '') || type",
    "whatsapp_instance": "connection_reason || status_error || name || token",
}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    board = Board(tmp_path_factory.mktemp("talkative"), LOG_LEVEL="DEBUG")
    yield board
    if board.process.poll() is None:
        board.interrupt()


@pytest.fixture(scope="module")
def webhook(board):
    """Send every kind of request that is logged, stop the server, and return the webhook's path."""
    added = board.manage(
        *("instances", "add", "--name", "Loja", "--zapi-id", "instance.id", "--token", TOKEN),
        *("--client-token", CLIENT_TOKEN, "--no-push", "--json"),
    )
    path = urlsplit(json.loads(added.stdout)["webhook_url"]).path
    for sent in genuine(path) + strange(path):
        assert status_of(exchange(board.port, sent)) in range(200, 500)
    # A client that disconnects in the middle of the body.
    exchange(
        board.port,
        request(path, b'{"token": "' + IN_A_BODY.encode(), JSON, "Content-Length: 99"),
        patience=1,
    )
    visit(board, path)
    break_the_database(board, path)
    board.interrupt()
    return path


def genuine(path):
    """Requests with valid keys and with secrets in headers and bodies."""
    failed = {
        "type": "DeliveryCallback",
        "messageId": "M",
        "error": f"Client-Token {ECHOED} not allowed",
    }
    gone = {"type": "DisconnectedCallback", "error": json.dumps({"clientToken": ECHOED})}
    bodies = [
        json.dumps(failed).encode(),
        json.dumps(gone).encode(),
        json.dumps(failed | {"instanceId": f"token={ECHOED}"}).encode(),
        f'{{"token": "{IN_A_BODY}"'.encode(),
        f'"Client-Token {IN_A_BODY} not allowed'.encode(),
        b"\xff\x00" + IN_A_BODY.encode(),
        gzip.compress(IN_A_BODY.encode())[:-3],
        b"[" * 100_000,
    ]
    tokens = [f"z-api-token: {TOKEN}", f"z-api-token: {WRONG_TOKEN}", "Content-Encoding: gzip"]
    return [request(path, body, JSON, header) for body in bodies for header in tokens] + [
        request(path, bodies[0], "Content-Type: text/plain", tokens[0]),
        request(path, bodies[0], JSON, "Content-Encoding: br", tokens[0]),
        request(path, b"x" * 300_000, JSON, tokens[1]),
        request(path, bodies[0], JSON, f"Content-Length: {WRONG_TOKEN}", tokens[1]),
    ]


def strange(path):
    """Requests with wrong or misplaced keys, or with methods that are not allowed."""
    key = path.split("/")[3]
    paths = [
        f"/webhooks/zapi/{WRONG_KEY}/",
        f"/webhooks/zapi/{WRONG_KEY}",
        f"/webhooks/zapi/{WRONG_KEY}%0A%00/",
        f"/webhooks/zapi/{key[:-1]}/",
        f"/webhooks/zapi/%20{key}/",
        f"/{path}",
        f"/x{path}",
        f"/{key}",
        f"/?next={path}&token={WRONG_TOKEN}",
        f"/account/login/?next=%2Fwebhooks%2Fzapi%2F{key}%2F",
        f"/token/{TOKEN}/",
    ]
    return [
        *(request(path, b"{}", JSON, f"Authorization: Bearer {BEARER}") for path in paths),
        *(request(path, b"", method="GET") for path in paths),
        request(path, b"", method="DELETE"),
        request(path, b"", "Host: " + "a" * 300, f"z-api-token: {TOKEN}"),
    ]


def visit(board, path):
    session = sign_in(board, board.password)
    for page in ("/", f"/?q={TOKEN}", "/admin/whatsapp/callback/", "/instances/", f"/nope{path}"):
        session.get(board.url + page, timeout=60)


def break_the_database(board, path):
    """Make some callbacks fail with an exception and others go to the spool."""
    refuses = f"RAISE(ABORT, 'Client-Token {ECHOED} not allowed: token={WRONG_TOKEN}')"
    with closing(sqlite3.connect(board.folder / "statusboard.sqlite3", timeout=60)) as database:
        database.execute(
            "CREATE TRIGGER refuses BEFORE INSERT ON whatsapp_statusevent"
            f" BEGIN SELECT {refuses}; END"
        )
        database.commit()
        exchange(board.port, genuine(path)[0])
        database.execute("DROP TRIGGER refuses")
        database.execute("ALTER TABLE whatsapp_callback RENAME TO away")
        for sent in genuine(path)[:6]:
            exchange(board.port, sent)
        requests.get(board.url + path, timeout=60)
        database.execute("ALTER TABLE away RENAME TO whatsapp_callback")


def found_in(text, secrets):
    return [secret for secret in secrets if secret.encode() in text]


def files(board):
    return [
        path
        for path in board.folder.rglob("*")
        if path.is_file() and path.name != "secrets.env" and "static" not in path.parts
    ]


def test_output_contains_the_expected_log_lines(board, webhook):
    for words in ("Not Found", "Bad Request", "Traceback", "IntegrityError", "[hidden]"):
        assert words in board.output, words


def test_output_and_files_contain_no_secret(board, webhook):
    secrets = (*FROM_HEADERS, *FROM_BODIES, webhook.split("/")[3], webhook.split("/")[3][:-1])
    databases = {path for path in files(board) if ".sqlite3" in path.name}
    written = set(files(board)) - databases
    assert board.log in written
    assert {path.name: found_in(path.read_bytes(), secrets) for path in written} == {
        path.name: [] for path in written
    }


def test_databases_contain_no_secret_from_headers_or_urls(board, webhook):
    key = webhook.split("/")[3]
    databases = [path for path in files(board) if ".sqlite3" in path.name]
    assert len(databases) >= 2
    for path in databases:
        assert not found_in(path.read_bytes(), (*FROM_HEADERS, key)), path


def test_columns_derived_from_bodies_contain_no_secret(board, webhook):
    with closing(sqlite3.connect(board.folder / "statusboard.sqlite3")) as database:
        for table, columns in SHOWN.items():
            rows = database.execute(f"SELECT group_concat({columns}) FROM {table}").fetchone()
            assert rows[0], table
            assert not found_in(rows[0].encode(), FROM_BODIES), table


def test_generated_keys_are_only_in_secrets_env(board, webhook):
    kept = (board.folder / "secrets.env").read_text().splitlines()
    secrets = [line.split("=", 1)[1] for line in kept if "=" in line and line[0] != "#"]
    assert len(secrets) == 3
    for path in files(board):
        assert not found_in(path.read_bytes(), secrets), path


def test_invalid_requests_cannot_fill_the_log(start_board):
    board = start_board()
    began = time.time()
    for number in range(400):
        exchange(board.port, request(f"/webhooks/zapi/{number}/", b"{}", JSON))
        exchange(board.port, request(f"/{number}", b"", method="GET"))
    # Each of the two processes may write 60 lines per minute.
    minutes = time.time() // 60 - began // 60 + 1
    written = board.output.count("Not Found") + board.output.count("Too Many")
    assert written <= 2 * 60 * minutes


def test_invalid_requests_with_long_urls_cannot_fill_the_log(start_board):
    board = start_board()
    before = len(board.output)
    for number in range(150):
        long = "a" * 60_000
        exchange(board.port, request(f"/webhooks/{number}{long}", b"{}", JSON))
        exchange(board.port, request(f"/{number}{long}", b"", method="GET"))
    assert len(board.output) - before < 100_000
