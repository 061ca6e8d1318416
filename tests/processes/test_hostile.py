"""Malformed requests to the real server, including bytes that are not HTTP.

HOSTILE_EXAMPLES sets the number of requests. The default is small.
"""

import gzip
import json
import os
import random
from collections import Counter
from urllib.parse import urlsplit

import pytest

from tests.processes.test_serve import sign_in
from tests.processes.wire import exchange, request, status_of

pytestmark = pytest.mark.processes

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "300"))
STATUS = b'{"type":"MessageStatusCallback","status":"READ","ids":["M"],"momment":1632234645000}'
HEADERS = [
    *("Content-Type: application/json", "Content-Type: text/plain", "Content-Type: \xff"),
    *(
        "Content-Encoding: gzip",
        "Content-Encoding: br",
        "Accept: text/html",
        "Expect: 100-continue",
    ),
    *("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    *("z-api-token: \xe9\xff", "Cookie: \x01", "X-Forwarded-For: a, b,,", "Host: ]["),
    *("Origin: https://api.z-api.io", "X-HTTP-Method-Override: DELETE", "Content-Length: 9"),
    *("Transfer-Encoding: chunked", "Range: bytes=0-", "Accept-Language: *;q=\u0661"),
]


@pytest.fixture(scope="module")
def path(board):
    arguments = ["--name", "Hostile", "--zapi-id", "hostile", "--token", "t" * 32]
    added = board.manage("instances", "add", *arguments, "--no-push", "--json")
    return urlsplit(json.loads(added.stdout)["webhook_url"]).path


def body_of(chance):
    at = chance.randrange(len(STATUS))
    return chance.choice(
        [
            STATUS,
            STATUS[:at],
            STATUS[:at] + chance.randbytes(5) + STATUS[at:],
            chance.randbytes(chance.randrange(2000)),
            gzip.compress(STATUS)[: chance.choice([None, -1, 9])],
            b"[" * chance.choice([10, 1_000, 200_000]),
            b"x" * 300_000,
            json.dumps({"type": "DeliveryCallback", "messageId": "\0\ud800" * 9}).encode(),
        ]
    )


def request_of(chance, path):
    place = chance.choice([path] * 6 + [path[:-2], "/webhooks/zapi/%00%ff%0a/", "*", "//" + path])
    method = chance.choice(["POST"] * 8 + ["GET", "PUT", "TRACE", "POST\t", "PRI"])
    chosen = ["Content-Type: application/json"] * chance.randrange(2)
    chosen += chance.sample(HEADERS, chance.randrange(4))
    sent = request(place, body_of(chance), *chosen, method=method)
    if chance.random() < 0.1:
        at = chance.randrange(len(sent))
        return sent[:at] + chance.randbytes(4) + sent[at:]
    return sent


def test_hostile_requests_cause_no_server_error_and_pages_still_open(board, path):
    seen: Counter[int] = Counter()
    for seed in range(EXAMPLES):
        sent = request_of(random.Random(seed), path)
        status = status_of(exchange(board.port, sent, patience=0.3))
        seen[status] += 1
        assert status < 500, (seed, sent[:300])
    # Every status must occur, or the requests are not varied enough.
    assert {200, 400, 404, 405, 413, 415} <= set(seen)
    session = sign_in(board, board.password)
    for page in ("/", "/instances/", "/admin/whatsapp/callback/", "/admin/whatsapp/message/"):
        assert session.get(board.url + page, timeout=60).status_code == 200, page
    assert "Internal Server Error" not in board.output
