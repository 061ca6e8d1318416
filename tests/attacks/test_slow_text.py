"""The time to process external text grows linearly with its length.

Each function is given a million characters, and a quarter of that. A quadratic function needs
minutes for a million characters. So the limit is safe on slow machines.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from messages.accounts.masking import mask_text, masked
from messages.domain import addresses
from messages.domain.causes import Cause, stored_values
from messages.domain.failures import find_failure
from messages.exports.csv_writer import csv_line
from messages.instances import webhook_keys
from messages.instances.bulk_import import read_csv
from messages.instances.credentials import read_credentials
from messages.instances.tags import read_tags
from messages.labels import UnreadableFileError, read_entries, rows_of_csv
from messages.models import Callback
from messages.net.url_guard import UnsafeUrlError, parse_url
from messages.search.parser import parse_search
from messages.zapi.errors import ZapiError, read_answer
from messages.zapi.payloads import MalformedCallbackError, parse
from statusboard.redaction import redact
from tests.plugins.webhook import call

LONG = 1_000_000
LIMIT = 5.0  # seconds of CPU time
MEASURABLE = 0.25  # seconds of CPU time; shorter times are too noisy to compare
TRIES = 5

REPEATED = [
    *("a", "Z", "1", '"', "'", "\\", " ", "\n", "\t", "\0", "_", ".", "-", "+", "=", ",", ";", "("),
    *("é", "\ud83d", "\U0001f600", "\u0301\u0316", "\ufdfa", "\u0130", "٣", "\xa0"),
    *("token", '"token":', '"token":"', "token: ", "token=", "token,", "token\\", 'token\\"'),
    *("token=Bearer ", "token\t\t\t", "'token'\n,\n'", "token '", "token%3D%22", "secret", "api-"),
    *("Client-Token ", "client-token null ", "Client-Token x not allowed ", "not allowed "),
    *("%22", "%2F", "%2Ftoken%2F", "%2Ftoken%2Fa", "/token/", "/token/a", "[{", "{}", "[1,", "()"),
    *("a.1.", "1.1.", "a.1." + "b" * 43, "a.1." + "b" * 42 + ".", "sb_abcdefgh_"),
    *("sb_abcdefgh_" + "a" * 42, "1 ", "1-", "1, ", "1234567 ", "12345678,", "2026-10-06 "),
    *("12345678-1234-", "3EB0", "a1", " ("),
    *("://", "//a:", "//a:b@", "@", ":", "//:@@", "//a", "%2f%2f", "%2f%2fa%3a", "%3a", "%40"),
    *("wa.me/", "@lid", "a@", "1@c.us", "\\u0001", '{"token": "a", "x": 1}, '),
]  # fmt: skip
BEGINNINGS = ["token", 'token"', '"token":"', "token=", "token=Bearer", "Client-Token ", "token\\"]
BEGINNINGS += ["://", "://user:", "%2f%2f", "%2f%2fuser%3a"]
ENDLESS = ["a", " ", "\\", '"', "'", "\n", "+", "%20", "é", '\\"', "1"]


def long(unit: str, size: int = LONG) -> str:
    return (unit * (size // len(unit) + 1))[:size]


SHAPES = [*((unit, "") for unit in REPEATED), *((e, b) for b in BEGINNINGS for e in ENDLESS)]


def read_body(text: str) -> None:
    with suppress(MalformedCallbackError):
        parse(text.encode("utf-8", "replace"))


def read_reason(text: str) -> None:
    read_body(json.dumps({"type": "DeliveryCallback", "messageId": "A", "error": text}))


def read_zapis_answer(text: str) -> None:
    with suppress(ZapiError):
        read_answer(400, json.dumps({"error": text}).encode())


def read_url(text: str) -> None:
    with suppress(UnsafeUrlError):
        parse_url(f"https://{text}", allow_private=False)


def read_labels(text: str) -> None:
    with suppress(UnreadableFileError):
        rows_of_csv(f"zapi_instance_id,message_id,label\n{text}".encode("utf-8", "replace"))


def read_instances(text: str) -> None:
    with suppress(UnreadableFileError):
        read_csv(f"name,id,token\n{text}".encode("utf-8", "replace"))


def search(text: str) -> None:
    found = parse_search(text)
    assert found.ids is not None
    assert found.numbers_in_text is not None
    assert found.description is not None


def check_label(text: str) -> None:
    read_entries([{"zapi_instance_id": text, "message_id": text, "label": text, "reference": text}])


# Functions that redact secrets are also tested with every combination of beginning and end.
REDACTING: dict[str, Callable[[str], object]] = {
    "redact": redact,
    "reason": read_reason,
    "cause": lambda text: Cause.text("other", stored_values([text])),
    "body": lambda text: Callback(body=text.encode("utf-8", "replace")).text,
}
OTHERS: dict[str, Callable[[str], object]] = {
    **{"callback": read_body, "answer": read_zapis_answer, "url": read_url, "search": search},
    "label": check_label,
    "credentials": lambda text: read_credentials(text, text, text),
    **{"mask text": mask_text, "mask": masked, "failure": find_failure, "tags": read_tags},
    **{"key": webhook_keys.verify, "plain": addresses.clean_input, "kind": addresses.kind_of},
    **{
        "digits": addresses.digits_of,
        "person": addresses.person_key,
        "whole": addresses.full_numbers,
    },
    "cell": lambda text: csv_line([text]),
    "status": lambda text: Callback(body=text.encode("utf-8", "replace")).reported,
}


def seconds(function: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    function(text)
    return time.thread_time() - started


def assert_quick(function: Callable[[str], object], beginning: str, unit: str) -> None:
    whole = beginning + long(unit)
    took = seconds(function, whole)
    if took < MEASURABLE:
        return
    took = min(took, *(seconds(function, whole) for _ in range(TRIES)))
    assert took < LIMIT, f"{beginning!r}, then {unit!r}: {took * 1000:.0f} ms"
    took_for_part = min(seconds(function, whole[: LONG // 4]) for _ in range(TRIES))
    # Four times the text may take up to eight times as long because of noise. Quadratic code would
    # take sixteen times as long.
    assert took < max(MEASURABLE, 8 * took_for_part), (beginning, unit, took, took_for_part)


@pytest.mark.parametrize("name", [*REDACTING, *OTHERS])
def test_processing_time_grows_linearly_with_text_length(name):
    function = (REDACTING | OTHERS)[name]
    for unit in REPEATED:
        assert_quick(function, "", unit)


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("name", REDACTING)
def test_redaction_time_of_an_endless_secret_grows_linearly(name, beginning):
    for unit in ENDLESS:
        assert_quick(REDACTING[name], beginning, unit)


@pytest.mark.parametrize("read", [read_labels, read_instances])
def test_file_of_empty_lines_is_read_in_time(read):
    """The functions read files of up to two million bytes row by row."""
    for unit in ("\n", ",\n", '"', "'", ",", "a\n", '""\n', "\r", ";"):
        took = min(seconds(read, long(unit)) for _ in range(TRIES))
        assert took < LIMIT


NESTED = {
    "brackets": "[" * 900 + "1," * 100_000 + "1" + "]" * 900,
    "braces": '{"a":' * 800 + "[" + "1," * 100_000 + "1]" + "}" * 800,
    "never closed": "[" * 200_000,
    "objects": "[" + "{}," * 80_000 + "{}]",
    "texts": "[" + '"",' * 80_000 + '""]',
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_body_is_formatted_quickly_and_stays_small(name):
    body = NESTED[name].encode()
    callback = Callback(body=body)
    assert min(seconds(lambda _: callback.text, "") for _ in range(TRIES)) < LIMIT
    assert len(callback.text) < 4 * len(body)
    assert min(seconds(read_body, NESTED[name]) for _ in range(TRIES)) < LIMIT


@pytest.mark.parametrize("unit", ["token", '"token":"', "Client-Token ", "\\", '"', "a.1.", "[{"])
def test_page_of_the_largest_quarantined_body_opens_quickly(unit, post, admin_client, settings):
    body = long(unit, settings.WEBHOOK_MAX_BODY - 1).encode()
    assert post(body).status == 400
    callback = Callback.objects.get()
    for path in ("/quarantine/", f"/quarantine/{callback.pk}/"):
        admin_client.get(path, secure=True)  # warm up caches
        took = min(
            seconds(lambda url: admin_client.get(url, secure=True), path) for _ in range(TRIES)
        )
        assert took < LIMIT


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/healthz", {"CONTENT_TYPE": 'a;b="' + ";" * 60_000}),
        ("/healthz", {"CONTENT_TYPE": "a" + ";" * 60_000}),
        ("/webhooks/zapi/key/", {"CONTENT_TYPE": 'a;b="' + ";" * 60_000}),
        ("/account/login/", {"CONTENT_TYPE": 'multipart/form-data;boundary="' + ";" * 60_000}),
        ("/account/login/", {"HTTP_ACCEPT": "a/b;q=" + ";" * 60_000}),
        ("/account/login/", {"HTTP_ACCEPT_LANGUAGE": "pt-BR,en;q=0.5," * 4000}),
        ("/account/login/", {"HTTP_COOKIE": "a=b; " * 12_000}),
        ("/account/login/", {"QUERY_STRING": "%ff" * 20_000}),
        ("/account/login/", {"HTTP_USER_AGENT": "a " * 30_000}),
        ("/api/v1/messages/", {"HTTP_ACCEPT": "a/b," * 15_000}),
        ("/static/none", {"HTTP_ACCEPT_ENCODING": "gzip," * 12_000}),
        ("/x", {"PATH_INFO": "/" + "\xff" * 60_000}),
        ("/webhooks/zapi/x", {"PATH_INFO": "/webhooks/zapi/" + "\xff" * 60_000}),
    ],
)
def test_long_header_or_url_is_answered_quickly(db, path, headers):
    call(path, "POST" if path.startswith("/webhooks") else "GET", **headers)  # warms up
    took = []
    for _ in range(TRIES):
        started = time.thread_time()
        status = call(path, "POST" if path.startswith("/webhooks") else "GET", **headers).status
        took.append(time.thread_time() - started)
        assert status < 500
    assert min(took) < LIMIT


def test_too_long_url_is_refused_with_414(db):
    assert call("/x", PATH_INFO="/" + "x" * 3000).status == 414
    assert call("/x", "POST", PATH_INFO="/webhooks/zapi/" + "x" * 3000).status == 414


def test_very_long_sign_in_name_is_refused_quickly(client, db):
    marks = long("\u0301\u0316", 200_000)
    form = {"login": marks, "password": "wrong"}
    client.get("/account/login/", secure=True)
    took = min(
        seconds(lambda _: client.post("/account/login/", form, secure=True), "") for _ in range(2)
    )
    # Hashing the password takes most of the time.
    assert took < 5 * LIMIT
