"""Malformed bodies and headers never cause a 5xx, and pages still open afterwards.

HOSTILE_EXAMPLES sets the number of requests. The default is small.
"""

import gzip
import json
import os
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.ingest import quarantine
from messages.instances.webhook_keys import WebhookKey, sign
from messages.models import Callback, Message, StatusEvent
from tests.plugins.webhook import ZAPI_ID, call

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "300"))
KEY = sign(WebhookKey(ZAPI_ID, 1))
ANSWERS = {200, 400, 404, 405, 413, 415, 429}

nasty = st.sampled_from(
    [
        *("", "\0", "\ud800", "\U0001f600" * 90, "'; DROP TABLE whatsapp_message;--", "x" * 200),
        *("NaN", "1e999", "-0", "9" * 4000, "%s%(x)s{}", "../../etc/passwd", "1" * 128, " \t\r\n"),
        *("5544999999999", "120363-group", "998877665544332@lid", "status@broadcast"),
        *(0, -1, 2**31, 2**63, 2**64, 10**400, 1e308, 5e-324, True, None),
        *(1632234645000, 1632234645, 253402300800000, -62135596800000),
    ]
)
texts = st.text(st.characters(), max_size=60)
values = st.recursive(
    nasty | texts | st.integers() | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
types = st.sampled_from(
    [
        *("MessageStatusCallback", "DeliveryCallback", "ConnectedCallback", "DisconnectedCallback"),
        *("ReceivedCallback", "PresenceChatCallback"),
    ]
)
fields = [
    *("status", "ids", "id", "momment", "moment", "phone", "phoneDevice", "isGroup", "participant"),
    *("participantDevice", "messageId", "zaapId", "error", "errorCode", "instanceId", "connected"),
]
likely = st.fixed_dictionaries(
    {"type": types, "ids": st.lists(nasty | texts, max_size=5) | values},
    optional={name: values for name in fields if name != "ids"} | {"status": st.just("READ")},
)
objects = (likely | st.dictionaries(st.sampled_from([*fields, "type"]), values)).map(
    lambda data: json.dumps(data).encode()
)


def damaged(drawn):
    """A valid body with some bytes replaced, repeated or removed."""
    body, seed = drawn
    chance = random.Random(seed)
    place = chance.randrange(len(body) + 1)
    middle = [b"", chance.randbytes(3), b"[" * 3000, b"9" * 5000, body, b'{"a":', b"\xef\xbb\xbf"]
    return body[:place] + chance.choice(middle) + body[place + chance.randrange(9) :]


bodies = (
    objects
    | st.tuples(objects, st.integers(0, 2**32)).map(damaged)
    | st.binary(max_size=400)
    | st.sampled_from([b"", b"[" * 250_000, b'{"a":' * 50_000, b'"' * 250_000, b"\\" * 99_999])
    | st.sampled_from(["utf-16", "utf-32", "utf-8-sig"]).map('{"type":"ReceivedCallback"}'.encode)
)
packed = st.tuples(bodies, st.sampled_from([None, -1, -9, 12])).map(
    lambda drawn: gzip.compress(drawn[0], 1)[: drawn[1]]
)
header_texts = st.text(st.characters(max_codepoint=255), max_size=40)
headers = st.fixed_dictionaries(
    {},
    optional={
        "CONTENT_TYPE": st.sampled_from(["application/json", "APPLICATION/JSON;x", ""])
        | header_texts,
        "CONTENT_LENGTH": st.sampled_from(["", "0", "-1", "1e9", "9" * 5000, "7", "٣"])
        | header_texts,
        "HTTP_CONTENT_ENCODING": st.sampled_from(["gzip", "identity", "br", "gzip,gzip"])
        | header_texts,
        "HTTP_Z_API_TOKEN": header_texts,
        "HTTP_X_FORWARDED_FOR": header_texts,
        "REMOTE_ADDR": st.sampled_from(["127.0.0.1", "::1", ""]) | header_texts,
        "HTTP_ACCEPT": header_texts,
        "HTTP_ACCEPT_LANGUAGE": header_texts,
        "HTTP_HOST": header_texts,
        "HTTP_COOKIE": header_texts,
        "HTTP_TRANSFER_ENCODING": st.just("chunked"),
        "QUERY_STRING": header_texts,
    },
)
keys = st.just(KEY) | st.sampled_from([KEY[:-1], KEY + "/x", KEY.upper()]) | header_texts
methods = st.sampled_from(["POST"] * 9 + ["GET", "PUT", "OPTIONS", "post", "\xff"])


@given(
    body=bodies | packed,
    extra=headers | st.just({}),
    key=st.just(KEY) | st.just(KEY) | keys,
    method=methods,
)
@settings(max_examples=EXAMPLES, print_blob=True)
def test_hostile_request_is_never_a_server_error(instance, body, extra, key, method):
    extra = {"CONTENT_TYPE": "application/json"} | extra
    if extra.get("CONTENT_LENGTH") == "":
        extra["wsgi.input_terminated"] = "yes"
    answer = call(f"/webhooks/zapi/{key}/", method, body, **extra)
    assert answer.status in ANSWERS
    assert json.loads(answer.body)


@given(body=bodies)
@settings(max_examples=EXAMPLES // 3)
def test_accepted_request_is_stored(instance, post, body):
    Callback.objects.all().delete()
    quarantine.forget_usages()
    answer = post(body)
    assert answer.status in (200, 400)
    callback = Callback.objects.get()
    assert callback.size == len(body)
    assert (callback.outcome == "ignored") or bytes(callback.body) == body
    assert (answer.status == 400) <= (callback.outcome == "quarantined")


@pytest.fixture
def hostile_rows(instance, post):
    """Store the rows that malformed callbacks create and pages show."""
    odd = ["\0", "\ud800", "<script>alert(1)</script>", "{{ 7 }}", "%s", "\u202e", "x" * 128, "'\""]
    for text in odd:
        for kind, name in (("MessageStatusCallback", "status"), ("DeliveryCallback", "error")):
            for field in ("phone", "participant", "momment", "zaapId"):
                payload = {"type": kind, "ids": [text], "messageId": text, "status": "READ"}
                post(payload | {name: text} | {field: text})
    for body in (b"\xff\xfe", b"[" * 100_000, b"<script>", b'{"type": "<b>"'):
        post(body)
    post({"type": "DisconnectedCallback", "error": "<script>"})


@pytest.mark.usefixtures("hostile_rows")
def test_page_opens_after_hostile_requests(admin_client):
    message = Message.objects.latest("id")
    pages = [
        *("/", "/?q=%00", "/?q=%F0%9F%98%80", "/instances/", f"/instances/{message.instance_id}/"),
        *("/admin/whatsapp/message/", "/admin/whatsapp/callback/", "/admin/whatsapp/instance/"),
        *(f"/messages/{pk}/" for pk in Message.objects.values_list("pk", flat=True)),
        *(f"/admin/whatsapp/callback/{pk}/change/" for pk in _callbacks()),
    ]
    for page in pages:
        answer = admin_client.get(page, HTTP_HOST="127.0.0.1", secure=True)
        assert answer.status_code == 200, page
        assert not re.search(rb"<script>(alert|<)", answer.content), page
    assert StatusEvent.objects.exists()


def _callbacks():
    return Callback.objects.values_list("pk", flat=True)[:40]
