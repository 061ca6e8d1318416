"""The client IP that the real server uses behind a proxy that forwards every header."""

import pytest

from tests.plugins.processes import Board
from tests.processes.wire import exchange, request, status_of

pytestmark = pytest.mark.processes

LET_IN, STRANGER = "10.9.9.9", "203.0.113.7"


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    settings = {
        "WEBHOOK_TRUSTED_PROXIES": "127.0.0.1/32",
        "METRICS_ALLOWED_NETWORKS": f"{LET_IN}/32",
        "TRUSTED_PROXY_HEADER": "Forwarded",
    }
    board = Board(tmp_path_factory.mktemp("board"), **settings)
    yield board
    board.interrupt()


def scrape(board, *headers):
    return status_of(exchange(board.port, request("/metrics", b"", *headers, method="GET")))


@pytest.mark.parametrize(
    "headers",
    [
        [f"X_Forwarded_For: {LET_IN}"],
        [f"X-Forwarded-For: {STRANGER}", f"X_Forwarded_For: {LET_IN}"],
        [f"X_Forwarded_For: {LET_IN}", f"X-Forwarded-For: {STRANGER}"],
        [f"X-Forwarded_For: {LET_IN}", f"X-Forwarded-For: {LET_IN}"],
        [f"Forwarded: for={LET_IN}"],
        [f'Forwarded: for="{LET_IN}'],
    ],
)
def test_client_behind_a_proxy_cannot_forge_its_ip(board, headers):
    """The forged header may come before or after the proxy's own."""
    told = f"Forwarded: for={STRANGER}"
    assert scrape(board, *headers, told) == 401
    if not headers[0].startswith("Forwarded"):
        assert scrape(board, told, *headers) == 401


def test_trusted_proxy_sets_the_client_ip(board):
    assert scrape(board, f"Forwarded: for={LET_IN};proto=http") == 200
