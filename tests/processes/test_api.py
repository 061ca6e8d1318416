"""The API at the real server, over real HTTP."""

import pytest
import requests

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def caller(board):
    session = requests.Session()
    key = board.manage("apikeys", "create", "--name", "CRM", "--role", "supervisor")
    session.headers["Authorization"] = f"Bearer {key.stdout.strip()}"
    return session


def test_unknown_api_url_returns_complete_problem_json(board, caller):
    answer = caller.get(f"{board.url}/api/v1/nothing/", timeout=60)
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_refused_chunked_body_keeps_the_connection_open(board, caller):
    chunks = (part for part in (b"[", b"]"))
    headers = {"Content-Type": "application/json"}
    answer = caller.post(f"{board.url}/api/v1/labels/", chunks, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["status"]) == (411, 411)
    assert caller.get(f"{board.url}/api/v1/messages/", timeout=60).status_code == 200
