"""The code of a message's failure, from callbacks with every text that Z-API documents."""

import csv
from pathlib import Path

import pytest
from django.utils.translation import override

from messages.domain.failures import FAILURES, find_failure
from messages.models import Message

with (Path(__file__).parent / "failure_reasons.tsv").open(encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
SHADOW_BAN = FAILURES["shadow_ban"]


@pytest.fixture
def fail(post):
    """POST a failure, and return the code that is stored for its message."""

    def send(**error):
        assert post({"type": "DeliveryCallback", "messageId": "M", **error}).status == 200
        return Message.objects.get().failure_code

    return send


def variations(text):
    text = text.replace("{content-type}", "image/gif").replace("{type}", "Sticker pack")
    yield from (text, text.upper(), f"  {text}\n", f"{text.rstrip('.')}...", text.rstrip("."))
    yield text.replace(" ", "\N{NO-BREAK SPACE} \t")
    yield from (text.replace("'", mark) for mark in "’`´‘")
    yield from (f"{text} (E-17)", f"{text}(E-17).")


@pytest.mark.parametrize("row", ROWS, ids=[row["text"] for row in ROWS])
def test_documented_text_in_any_form_has_its_own_code(row, fail):
    codes = set()
    for text in variations(row["text"]):
        Message.objects.all().delete()
        codes.add(fail(error=text))
    (code,) = codes
    failure = FAILURES[code]
    expected = (row["category"], row["owner"], row["retry"])
    assert (failure.category, failure.owner, failure.retry) == expected


def test_each_documented_text_has_another_code():
    assert len({find_failure(row["text"]) for row in ROWS}) == len(ROWS) == len(FAILURES)


@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_reasons_read_the_same_only_if_they_advise_the_same(language):
    with override(language):
        meanings = {(str(one.text), one.owner, one.retry, one.alike) for one in FAILURES.values()}
        assert len(meanings) == len({text for text, *_rest in meanings})


@pytest.mark.parametrize(
    "error",
    [
        {"error": "Phone number does not exist", "errorCode": "SHADOW_BAN"},
        {"error": "x" * 5000, "errorCode": "SHADOW_BAN"},
        {"error": "Something new", "errorCode": " shadow_ban "},
        {"error": "SHADOW_BAN: try later"},
        {"error": {"message": "Refused", "code": "SHADOW_BAN"}},
        {"errorCode": "SHADOW_BAN"},
        {"error": None, "errorCode": ["SHADOW_BAN"]},
    ],
)
def test_error_code_wins_over_the_text(fail, error):
    assert fail(**error) == "shadow_ban"


@pytest.mark.parametrize(
    "text", ["Something new", "()", "((", "....", "{}", "not available", "é\0"]
)
def test_text_that_is_not_in_the_catalogue_is_unknown(fail, text):
    assert fail(error=text) == "unknown"


def test_failure_without_a_text_has_a_code_of_its_own(post):
    post({"type": "MessageStatusCallback", "status": "FAILED", "ids": ["M"]})
    assert Message.objects.get().failure_code == "not_given"


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_code_belongs_to_the_text_that_is_kept(post, order):
    texts = ["Phone number does not exist", "Instance is disconnected", None]
    for place in order:
        error = {"error": texts[place]} if texts[place] else {}
        post({"type": "MessageStatusCallback", "status": "FAILED", "ids": ["M"], **error})
    message = Message.objects.get()
    assert (message.failure, message.failure_code) == (texts[1], "instance_disconnected")


@pytest.mark.parametrize("order", [1, -1])
def test_message_that_was_delivered_after_all_has_no_failure_code(post, order):
    callbacks = [
        {"type": "DeliveryCallback", "messageId": "M", "error": "Phone number does not exist"},
        {"type": "MessageStatusCallback", "status": "RECEIVED", "ids": ["M"]},
    ]
    for callback in callbacks[::order]:
        post(callback)
    assert Message.objects.get().failure_code == ""
