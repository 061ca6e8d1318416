"""The commands in docs/api.md work."""

import re
import subprocess
from pathlib import Path

import pytest

from messages.models import Instance, KeyRole, Message

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"
CALLS = "".join(re.findall(r"```sh\n(curl.*?)```", DOCS.read_text(), re.S))


@pytest.fixture
def board(page_server, transactional_db):
    return page_server.url


@pytest.fixture
def documented(transactional_db, post):
    """The message and the instance used in the examples of docs/api.md."""
    post({"type": "MessageStatusCallback", "status": "READ", "ids": ["3EB0A1"], "phone": "5544"})
    Instance.objects.update(zapi_id="3C0D1E2F")
    return Message.objects.get()


def test_every_curl_example_succeeds(documented, board, make_key, tmp_path):
    key = make_key(KeyRole.SUPERVISOR, may_label=True).key
    (tmp_path / "labels.csv").write_text(
        "zapi_instance_id,message_id,reference,label\n3C0D1E2F,3EB0A1,order-1042,\n"
    )
    calls = CALLS.replace("/messages/1/", f"/messages/{documented.pk}/")
    script = f'set -e\ncurl() {{ command curl --fail-with-body "$@" && echo; }}\n{calls}'
    environment = {"BOARD": board, "KEY": key, "PATH": "/usr/bin:/bin:/usr/local/bin"}
    where = {"cwd": tmp_path, "env": environment, "timeout": 60}
    answers = subprocess.check_output(["bash", "-c", script], text=True, **where)
    assert answers.count('"labelled"') == 2
    assert '"status":"READ"' in answers


def test_api_docs_mention_every_list():
    text = DOCS.read_text()
    for name in ("messages", "events", "recipients", "summaries", "instances", "incidents"):
        assert f"/api/v1/{name}/" in text
