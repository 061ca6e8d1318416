"""Request ids, and the two formats of log lines."""

import json
import logging
from typing import Any

import pytest
from django.conf import settings

from statusboard.logs import JsonFormatter, RedactingFormatter
from statusboard.middleware import RequestIdFilter

PAGE = "/account/login/"


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    RequestIdFilter().filter(record)
    line: dict[str, Any] = json.loads(JsonFormatter().format(record))
    return line


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("shop", logging.WARNING, __file__, 1, message, args, None)
    made.__dict__.update(extra)
    return made


def test_every_response_has_its_own_request_id(client, db):
    one, other = (client.get(PAGE).headers["X-Request-ID"] for _ in range(2))
    assert len(one) == 32
    assert one != other


def test_request_id_of_a_proxy_is_kept(client, db):
    answer = client.get(PAGE, headers={"x-request-id": "proxy-4711.a_b"})
    assert answer.headers["X-Request-ID"] == "proxy-4711.a_b"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "with space in it", "a\tb-c-d-e-f", "<script>"]
)
def test_invalid_request_id_is_replaced(client, db, given):
    assert client.get(PAGE, headers={"x-request-id": given}).headers["X-Request-ID"] != given


def test_log_line_has_the_request_id(client, db, caplog):
    answer = client.get("/nowhere/", headers={"x-request-id": "proxy-4711"})
    assert answer.status_code == 404
    found = next(line for line in caplog.records if line.name == "django.request")
    assert line_of(found)["request_id"] == "proxy-4711"


def test_json_line_has_time_logger_and_message():
    line = line_of(record("%s is gone", "Loja", status_code=404))
    assert line["message"] == "Loja is gone"
    assert (line["level"], line["logger"], line["status"]) == ("WARNING", "shop", 404)
    assert line["request_id"] == "-"
    assert line["time"].endswith("+00:00")


def test_json_line_is_single_and_redacted():
    try:
        raise ValueError('token="Very-Secret-1"')
    except ValueError as error:
        made = record("Client-Token %s not allowed\nand on", "Very-Secret-2")
        made.exc_info = (type(error), error, error.__traceback__)
    text = JsonFormatter().format(made)
    assert "Very-Secret" not in text
    assert "\n" not in text
    assert "ValueError" in json.loads(text)["traceback"]


def test_text_line_has_the_request_id():
    form: Any = settings.LOGGING["formatters"]["text"]  # type: ignore[index]
    formatter = RedactingFormatter(form["format"], style=form["style"])
    assert "[proxy-4711] shop: hello" in formatter.format(record("hello", request_id="proxy-4711"))
