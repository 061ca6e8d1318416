"""redact() removes secrets and does not change text without secrets."""

import io
import json
import logging
import subprocess
import sys
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.instances.webhook_keys import WebhookKey, sign
from messages.models import Callback
from statusboard.logs import RedactingFormatter, RefusalQuota
from statusboard.redaction import HIDDEN, redact, redact_beginning
from tests.plugins.processes import ROOT, fresh_environment

SECRET = "S3cretValue9x"


WRITTEN = [
    f"PUT https://api.z-api.io/instances/3C0D/token/{SECRET}/update-webhook-delivery",
    f"POST /webhooks/zapi/{SECRET}/ 404",
    f"next=%2Fwebhooks%2Fzapi%2F{SECRET}%2F&page=1",
    f"url=https%3A%2F%2Fapi.z-api.io%2Ftoken%2F{SECRET}%2Fme",
    f"Client-Token {SECRET} not allowed",
    f"Client-Token {SECRET} {SECRET} not allowed",
    f"Client-Token%20{SECRET}%20not%20allowed",
    f'{{"token": "{SECRET}"}}',
    f'{{"token" : "one, {SECRET}; two"}}',
    f'{{"token": "a\\"{SECRET}"}}',
    f"{{'z-api-token': '{SECRET}'}}",
    f"[('z-api-token', '{SECRET}')]",
    f"(b'Client-Token', b'{SECRET}')",
    json.dumps({"body": json.dumps({"clientToken": SECRET})}),
    json.dumps(json.dumps({"body": json.dumps({"token": SECRET})})),
    f"z-api-token: {SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"authorization=Basic {SECRET}==",
    f"Authorization%3A%20Bearer%20{SECRET}",
    f"?token={SECRET}&page=1",
    f"token%3D{SECRET}%26page%3D1",
    f"%7B%22token%22%3A%22{SECRET}%22%7D",
    f"password={SECRET}",
    f"SECRET_KEY={SECRET}",
    f"WEBHOOK_SIGNING_KEYS={SECRET}",
    f"FIELD_ENCRYPTION_KEYS: {SECRET}",
    f"'HTTP_Z_API_TOKEN': '{SECRET}'",
    f"partner_token => {SECRET}",
    f"the configured proxy (socks5://user:{SECRET}@localhost:1080) failed",
    f'{{"proxyUrl": "socks5://user:{SECRET}@127.0.0.1:1080"}}',
    f'{{"proxyUrl":"socks5:\\/\\/user:{SECRET}@127.0.0.1:1080"}}',
    json.dumps({"body": json.dumps({"error": f"http://us%40er:{SECRET}@host/"})}),
    f"postgres://:{SECRET}@db/board",
    f"HTTPS://user:{SECRET}@x@[::1]:8080",
    f"url=socks5%3A%2F%2Fuser%3A{SECRET}%40host%3A1080",
    f'{{"proxy_url": "user {SECRET} host"}}',
]


@pytest.mark.parametrize("text", WRITTEN)
def test_secret_in_any_text_form_is_redacted(text):
    assert SECRET not in redact(text)
    assert HIDDEN in redact(text)


@given(
    depth=st.integers(0, 5),
    name=st.sampled_from(["token", "Client-Token", "partner_token", "password"]),
    around=st.text("ab \"\\\\'{}:,;/%é\U0001f600", max_size=8),
)
def test_secret_with_any_characters_is_redacted_in_nested_json(depth, name, around):
    text = json.dumps({"a": 1, name: f"{around}{SECRET}{around}", "b": [2]})
    for _ in range(depth):
        text = json.dumps({"body": text, "c": "d"})
    assert SECRET not in redact(text)


@given(
    before=st.text("ab 12.,-_é\n", max_size=40),
    after=st.text("ab 12.,-_é\n", max_size=40),
    written=st.sampled_from(WRITTEN),
)
def test_secret_within_other_text_is_redacted(before, after, written):
    text = redact(f"{before} {written} {after}")
    assert SECRET not in text
    assert redact(text) == text


def test_quoted_secret_after_a_scheme_or_backslashes_is_redacted():
    assert SECRET not in redact(f'authorization: Bearer "{SECRET}"')
    assert SECRET not in redact("token: " + "\\" * 99 + f'"{SECRET} {SECRET}')


@pytest.mark.parametrize("length", [10, 100, 300])
def test_shortened_text_never_contains_part_of_a_secret(length):
    for written in WRITTEN:
        for offset in range(0, 5000, 97):
            text = f"token={'x' * offset} " + f"{'words ' * 20}{written} " * 40
            shown = redact_beginning(text, length)
            assert len(shown) <= length
            assert SECRET[:8] not in shown


def test_shortened_text_is_never_empty():
    assert redact_beginning("token=" + "x" * 9000, 100) == HIDDEN
    assert redact_beginning("", 100) == ""


def test_webhook_key_is_redacted_by_its_format():
    key = sign(WebhookKey("instance.id", 12))
    for text in (key, f"the key {key} is old", f"/x/{key}/", f'"{key}"', f"x y{key}"):
        assert key.rpartition(".")[2] not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Client-Token null not allowed",
        "your client-token is not configured",
        "the token differs from ours",
        "z-api-token, which nobody documents",
        "2026-11-22 09:14:00 version 1.2.3 of 127.0.0.1:8000",
        "Phone number does not exist (SHADOW_BAN)",
        "https://board.example.com:8443/go/?message_id=1 https://user@example.com/a:b",
        "at 10:20 //x: a@example.com and http://a:80/@b",
        '{"status": "READ", "ids": ["3EB0"], "momment": 1632234645000}',
    ],
)
def test_text_without_a_secret_is_unchanged(text):
    assert redact(text) == text


def test_text_around_a_secret_is_unchanged():
    assert redact(f'{{"token": "{SECRET}", "due": 7}}') == f'{{"token": "{HIDDEN}", "due": 7}}'


def test_displayed_callback_body_is_redacted():
    body = json.dumps({"error": f"Client-Token {SECRET} not allowed"}).encode()
    assert SECRET not in Callback(body=body).text
    assert SECRET not in Callback(body=b"{" + body).text


def test_proxy_password_in_a_callback_is_redacted_on_every_page(post, admin_client):
    """The callback is quarantined because it names another instance."""
    error = f"connected without proxy (socks5://user:{SECRET}@localhost:1080)"
    post({"type": "DisconnectedCallback", "instanceId": "another", "error": error})
    callback = Callback.objects.get()
    for path in ("/quarantine/", f"/quarantine/{callback.pk}/"):
        page = admin_client.get(path, secure=True).content.decode()
        assert "socks5://user:[hidden]@localhost:1080" in page
        assert SECRET not in page


class TestTheLog:
    def formatted(self, record):
        return RedactingFormatter("{message}", style="{").format(record)

    def test_log_arguments_and_tracebacks_are_redacted(self):
        try:
            try:
                raise ValueError(f"token={SECRET}")
            except ValueError as error:
                raise LookupError({"token": SECRET}) from error
        except LookupError:
            info = sys.exc_info()
        record = logging.LogRecord("x", 40, "f", 1, "%s", (f"/token/{SECRET}/",), info)
        text = self.formatted(record)
        assert "LookupError" in text
        assert "ValueError" in text
        assert SECRET not in text

    def test_uncaught_exception_is_logged_and_redacted(self, caplog):
        error = RuntimeError(f"token={SECRET}")
        sys.excepthook(RuntimeError, error, None)
        (record,) = [record for record in caplog.records if record.levelname == "CRITICAL"]
        assert SECRET not in self.formatted(record)

    def test_python_writes_nothing_outside_the_log(self):
        assert not logging.raiseExceptions
        assert isinstance(logging.lastResort and logging.lastResort.formatter, RedactingFormatter)
        assert logging.getLogger("py.warnings").propagate
        assert warnings.showwarning.__module__ in ("logging", "warnings", "_pytest.recwarn")

    def test_every_log_handler_redacts(self, tmp_path):
        """In a process of its own, because the tests' libraries add handlers to this one."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", UNGUARDED_HANDLERS],
            cwd=ROOT,
            env=fresh_environment(tmp_path, STATUSBOARD_GENERATE_SECRETS="1"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "[]"


UNGUARDED_HANDLERS = """
import logging
from statusboard.logs import RedactingFormatter
from statusboard.wsgi import load_pages
load_pages()
loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
handlers = {handler for logger in loggers for handler in logger.handlers}
assert handlers
print([
    handler for handler in handlers
    if not isinstance(handler, logging.NullHandler)
    and not isinstance(handler.formatter, RedactingFormatter)
])
"""


@pytest.fixture
def written():
    """The output of a log handler with a quota of three refusals per minute."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RefusalQuota(per_minute=3))
    logging.getLogger().addHandler(handler)
    yield lambda: stream.getvalue().splitlines()
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def clock(monkeypatch):
    """The clock of log records. A minute begins with second 0."""
    now = [1_000_020.0]
    # `logging` calls one of the two functions, depending on the Python version.
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(time, "time_ns", lambda: int(now[0] * 10**9))

    def at(second):
        now[0] = 1_000_020.0 + second

    return at


def refuse(times, status=404, name="django.request"):
    for _ in range(times):
        logging.getLogger(name).warning("Refused: /x", extra={"status_code": status})


class TestTheQuota:
    def test_refusals_are_logged_up_to_the_quota_per_minute(self, written, clock):
        refuse(5)
        assert written() == ["Refused: /x"] * 3

    def test_next_refusal_logs_the_number_of_omitted_lines(self, written, clock):
        refuse(5)
        clock(60)
        refuse(1)
        left_out = "2 more lines of django.request about answers with status 404 were left out."
        assert written()[3:] == [left_out, "Refused: /x"]

    def test_any_later_line_logs_the_number_of_omitted_lines(self, written, clock):
        refuse(5)
        clock(600)
        logging.getLogger("messages.jobs").warning("Something else")
        assert [line for line in written() if "2 more lines" in line]

    def test_each_kind_of_refusal_has_its_own_quota(self, written, clock):
        refuse(100)
        refuse(1, status=403)
        refuse(1, status=400, name="django.security.DisallowedHost")
        assert len(written()) == 3 + 2

    def test_many_refusals_do_not_hide_lost_callbacks(self, written, clock):
        refuse(100)
        refuse(100, status=503)
        for _ in range(10):
            logging.getLogger("messages.webhooks.views").error(
                "A callback was lost", extra={"status_code": 503}
            )
        assert written()[-10:] == ["A callback was lost"] * 10

    def test_own_errors_are_never_omitted(self, written, clock):
        refuse(10, status=500)
        for _ in range(10):
            logging.getLogger("messages.jobs").warning("words")
        assert len(written()) == 20

    def test_refusal_is_logged_as_one_line(self, client, django_user_model):
        written = io.StringIO()
        handler = logging.StreamHandler(written)
        handler.addFilter(RefusalQuota(per_minute=9))
        client.force_login(django_user_model.objects.create_user("support"))
        logging.getLogger().addHandler(handler)
        try:
            assert client.get("/instances/", secure=True).status_code == 403
        finally:
            logging.getLogger().removeHandler(handler)
        assert written.getvalue() == "Forbidden (Permission denied): /instances/\n"
