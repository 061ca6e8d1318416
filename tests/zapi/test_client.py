"""Each response of Z-API and its error message, tested with the simulator over HTTP."""

import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from messages.domain.problems import Problem
from messages.simulator.certificate import make_context
from messages.simulator.gateway import Gateway, SimulatedInstance
from messages.simulator.responses import REFUSALS, as_json
from messages.zapi import client as module
from messages.zapi.client import (
    MAX_QUEUE_PAGES,
    ConnectionStatus,
    Queue,
    QueuedMessage,
    ZapiClient,
    ZapiError,
)
from messages.zapi.errors import read_answer
from statusboard.redaction import redact
from tests.plugins.zapi import serving

TOKEN, CLIENT_TOKEN = "the-token-of-the-instance", "the-client-token"
URL = "https://board.example.com/webhooks/zapi/key/"

PROBLEMS = {
    "not-applied": Problem.ZAPI_NOT_APPLIED,
    "unknown-call": Problem.UNKNOWN_CALL,
    "client-token-not-configured": Problem.CLIENT_TOKEN_MISSING,
    "null-not-allowed": Problem.CLIENT_TOKEN_MISSING,
    "null-not-allowed-200": Problem.CLIENT_TOKEN_MISSING,
    "subscription-ended": Problem.SUBSCRIPTION_ENDED,
    "client-token-null": Problem.CLIENT_TOKEN_MISSING,
    "client-token-wrong": Problem.CLIENT_TOKEN_WRONG,
    "ip-not-allowed": Problem.IP_REFUSED,
    "unauthorized": Problem.WRONG_CREDENTIALS,
    "not-found": Problem.WRONG_CREDENTIALS,
    "method-not-allowed": Problem.CALL_REFUSED,
    "media-type": Problem.CALL_REFUSED,
    "too-many": Problem.TOO_MANY_CALLS,
    "fault": Problem.ZAPI_FAULT,
    "bad-gateway": Problem.ZAPI_FAULT,
    "html": Problem.ZAPI_NOT_JSON,
    "not-an-object": Problem.ZAPI_NOT_JSON,
    "undocumented": Problem.ZAPI_UNEXPECTED,
    "redirect": Problem.ZAPI_REDIRECTS,
    "too-long": Problem.ZAPI_TOO_LONG,
    "slow": Problem.ZAPI_TOO_SLOW,
    "hang-up": Problem.ZAPI_UNREACHABLE,
}


@pytest.fixture
def client(zapi: Gateway) -> ZapiClient:
    return ZapiClient("ABC", TOKEN, CLIENT_TOKEN)


def test_url_that_was_set_is_read_back(client):
    client.set_webhook("message-status", URL)
    assert client.me().webhook_url("message-status") == URL


def test_url_never_set_is_empty(client):
    assert client.me().webhook_url("delivery") == ""


def test_client_token_is_sent_in_its_header(client, zapi):
    client.me()
    assert zapi.calls[0].headers["client-token"] == CLIENT_TOKEN


def test_account_without_client_token_sends_no_header(zapi):
    ZapiClient("ABC", TOKEN).me()
    assert "client-token" not in zapi.calls[0].headers


def test_me_contains_no_token(client):
    assert TOKEN not in repr(client.me())


def test_status_with_an_error_may_be_connected(client):
    assert client.status().connected
    assert client.status().error == "You are already connected."


def test_every_refusal_is_tested():
    assert set(PROBLEMS) == set(REFUSALS)


@pytest.mark.parametrize("name", PROBLEMS)
def test_refusal_is_recognized(client, zapi, monkeypatch, name):
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.2)
    zapi.answer_name = name
    with pytest.raises(ZapiError) as caught:
        client.set_webhook("message-status", URL)
    assert caught.value.problem is PROBLEMS[name]


@pytest.mark.parametrize("name", PROBLEMS)
def test_refusal_contains_no_token(client, zapi, monkeypatch, caplog, name):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.2)
    zapi.answer_name = name
    with pytest.raises(ZapiError) as caught:
        client.set_webhook("message-status", URL)
    told = "".join(traceback.format_exception(caught.value)) + redact(caplog.text)
    assert TOKEN not in told
    assert CLIENT_TOKEN not in told


def variables_of(error: BaseException | None) -> Iterator[str]:
    """The local variables that an error report would contain.

    They belong to the exception and its causes, except those of this file.
    """
    if error is None:
        return
    for frame, _line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename != __file__:
            yield from map(repr, frame.f_locals.values())
            yield from (repr(vars(v)) for v in frame.f_locals.values() if hasattr(v, "__dict__"))
    yield from variables_of(error.__cause__)
    yield from variables_of(error.__context__)


@pytest.mark.parametrize("name", [*PROBLEMS, "nobody listens"])
def test_variables_of_a_failed_call_contain_no_token(client, zapi, settings, monkeypatch, name):
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.2)
    zapi.answer_name = name if name in PROBLEMS else ""
    if name == "nobody listens":
        settings.ZAPI_BASE_URL = "http://127.0.0.1:1"
        client = ZapiClient("ABC", TOKEN, CLIENT_TOKEN)
    with pytest.raises(ZapiError) as caught:
        client.set_webhook("message-status", URL)
    shown = list(variables_of(caught.value))
    assert shown
    assert not [text for text in shown if TOKEN in text or CLIENT_TOKEN in text]


def test_variables_of_an_unexpected_answer_contain_no_token(client, monkeypatch):
    monkeypatch.setattr(
        module, "_exchange", lambda *_: (200, b'[{"token": "%b"}]' % TOKEN.encode())
    )
    with pytest.raises(ZapiError) as caught:
        client.me()
    assert not [text for text in variables_of(caught.value) if TOKEN in text]


def test_redirect_is_not_followed(client, zapi):
    zapi.answer_name = "redirect"
    with pytest.raises(ZapiError):
        client.me()
    assert len(zapi.calls) == 1


def test_answer_that_arrives_byte_by_byte_is_too_slow(client, monkeypatch):
    monkeypatch.setattr(module, "WHOLE_TIMEOUT", -1)
    with pytest.raises(ZapiError, match="in time"):
        client.me()


def test_closed_port_is_explained(settings):
    settings.ZAPI_BASE_URL = "http://127.0.0.1:1"
    with pytest.raises(ZapiError) as caught:
        ZapiClient("ABC", TOKEN).me()
    assert caught.value.problem is Problem.ZAPI_UNREACHABLE


@pytest.mark.parametrize("base", ["", "nonsense", "http://", "http://[::", "ftp://127.0.0.1"])
def test_invalid_url_is_explained(settings, base):
    settings.ZAPI_BASE_URL = base
    with pytest.raises(ZapiError, match="ZAPI_BASE_URL"):
        ZapiClient("ABC", TOKEN).me()


def test_client_token_with_a_line_break_is_explained(zapi):
    with pytest.raises(ZapiError, match="line breaks"):
        ZapiClient("ABC", TOKEN, "a\r\nHost: elsewhere").me()
    assert not zapi.calls


def test_instance_id_cannot_change_the_path(zapi):
    ZapiClient("../other", TOKEN).me()
    assert zapi.calls[0].path.startswith("/instances/..%2Fother/token/")


@pytest.fixture
def https(settings, tmp_path):
    """Serve the simulated Z-API over HTTPS with a self-signed certificate."""
    file = tmp_path / "stand-in.pem"
    with serving(Gateway(), make_context(file)) as server:
        settings.ZAPI_BASE_URL = server.url
        yield file


def test_unknown_certificate_is_explained(https):
    with pytest.raises(ZapiError, match="certificate is not trusted"):
        ZapiClient("ABC", TOKEN).me()


def test_certificate_in_the_ca_file_is_trusted(https, settings):
    settings.ZAPI_CA_FILE = str(https)
    assert ZapiClient("ABC", TOKEN).me().connected


def test_missing_ca_file_is_explained(https, settings):
    settings.ZAPI_CA_FILE = "/nowhere/at-all.pem"
    with pytest.raises(ZapiError, match="ZAPI_CA_FILE"):
        ZapiClient("ABC", TOKEN).me()


def test_slow_handshake_does_not_block_other_calls(https, settings):
    settings.ZAPI_CA_FILE = str(https)
    parts = urlsplit(settings.ZAPI_BASE_URL)
    silent = HTTPConnection(parts.hostname, parts.port)
    silent.connect()
    assert ZapiClient("ABC", TOKEN).me().connected
    silent.close()


def test_failed_call_is_logged_with_its_instance(client, zapi, caplog):
    zapi.answer_name = "fault"
    with pytest.raises(ZapiError):
        client.me()
    assert "GET me of instance ABC at Z-API failed" in caplog.text


@pytest.fixture
def queued(zapi):
    """A simulated instance with `count` queued messages and no count call."""

    def wait(number):
        zapi.instances["ABC"] = SimulatedInstance(
            "ABC", TOKEN, queued=number, has_queue_count=False
        )
        return zapi

    return wait


@pytest.mark.parametrize("number", [0, 1, 30, 31, 1000])
def test_queue_without_count_call_is_counted_by_pages(client, queued, number):
    queued(number)
    queue = client.queue()
    assert (queue.count, queue.is_minimum, len(queue.messages)) == (number, False, number)


def test_endless_queue_is_read_up_to_a_limit(client, queued):
    zapi = queued(100_000)
    queue = client.queue()
    assert (queue.count, queue.is_minimum) == (1020, True)
    assert len(zapi.calls) == 1 + MAX_QUEUE_PAGES


def test_queue_with_count_call_is_not_read(client, zapi):
    zapi.instances["ABC"] = SimulatedInstance("ABC", TOKEN, queued=37)
    assert client.queue() == Queue(37)
    assert len(zapi.calls) == 1


def test_failed_count_call_raises(client, zapi):
    zapi.answer_name = "fault"
    with pytest.raises(ZapiError) as caught:
        client.queue()
    assert caught.value.problem is Problem.ZAPI_FAULT
    assert len(zapi.calls) == 1


def test_queue_whose_later_page_fails_has_a_minimum(client, queued, monkeypatch):
    zapi = queued(300)
    answer = zapi.answer

    def fail_late(call):
        if len(zapi.calls) == 3:
            zapi.answer_name = "fault"
        return answer(call)

    monkeypatch.setattr(zapi, "answer", fail_late)
    queue = client.queue()
    assert (queue.count, queue.is_minimum) == (60, True)


def test_texts_of_queued_messages_are_dropped(client, queued, caplog):
    caplog.set_level(logging.DEBUG)
    queued(3)
    page = read_answer(
        *(200, b'{"messages":[{"ZaapId":"Z","Message":"a text"},{"messageId":"M","text":"b"}]}')
    )
    assert page == {"messages": [{"ZaapId": "Z"}, {"messageId": "M"}]}
    assert "Text" not in str(client.queue())
    assert "Text" not in caplog.text


ROW = {"MessageId": "M1", "ZaapId": "Z1", "Created": 1705320000000, "Message": "a text"}
CREATED = datetime(2024, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW, QueuedMessage(frozenset({"M1", "Z1"}), CREATED)),
        ({"messageId": "M1"}, QueuedMessage(frozenset({"M1"}))),
        ({"Message": "a text"}, QueuedMessage(frozenset())),
        ({"MessageId": 7, "ZaapId": ["Z1"], "Created": "soon"}, QueuedMessage(frozenset())),
        ({"MessageId": "", "ZaapId": "x" * 129}, QueuedMessage(frozenset())),
        ("a text", QueuedMessage(frozenset())),
        (None, QueuedMessage(frozenset())),
    ],
)
def test_queued_message_has_only_ids_and_time(client, queued, row, expected):
    queued(0).instances["ABC"].queue_rows = [row]
    assert client.read_queue() == Queue(1, messages=(expected,))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ({"messages": [ROW] * 10_000, "hasMore": False}, (1020, True, 1)),
        ({"messages": [ROW], "hasMore": True, "pagingState": "same"}, (2, True, 2)),
        ({"messages": [ROW], "hasMore": True, "pagingState": {"a": [1]}}, (2, True, 2)),
        ({"messages": [], "hasMore": True}, (0, True, 1)),
        ({"messages": [ROW], "hasMore": "no", "pagingState": None}, (1, True, 1)),
        ({"messages": []}, (0, False, 1)),
    ],
)
def test_strange_pages_of_a_queue_end_the_reading(client, queued, monkeypatch, page, expected):
    zapi, made = queued(0), []

    def answer(call):
        made.append(call)
        return as_json(page)

    monkeypatch.setattr(zapi, "answer", answer)
    queue = client.read_queue()
    assert (queue.count, queue.is_minimum, len(made)) == expected


@pytest.mark.parametrize("messages", [None, "text", {"a": 1}, 7])
def test_queue_without_a_list_of_messages_raises(client, queued, monkeypatch, messages):
    zapi = queued(0)
    monkeypatch.setattr(zapi, "answer", lambda call: as_json({"messages": messages}))
    with pytest.raises(ZapiError, match="undocumented answer"):
        client.read_queue()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, ConnectionStatus(True, "You are already connected.", True)),
        (
            {"connected": False, "status_error": "You need to restore the session"},
            ConnectionStatus(False, "You need to restore the session", False),
        ),
        (
            {"connected": False, "smartphone": True},
            ConnectionStatus(False, "You are not connected.", True),
        ),
    ],
)
def test_status_contains_connection_error_and_phone_state(client, zapi, told, expected):
    zapi.instances["ABC"] = SimulatedInstance("ABC", TOKEN, **told)
    assert client.status() == expected
