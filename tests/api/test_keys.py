"""Authentication, rate limits and error responses of the API."""

import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from messages.accounts.api_keys import revoke, spend
from messages.ingest.service import breaker
from messages.models import ApiKey, KeyRole
from tests.plugins.api import V1, Caller
from tests.plugins.webhook import call

PROBLEM = "application/problem+json"


def assert_problem(answer, status):
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == PROBLEM
    told = answer.json()
    assert (told["type"], told["status"]) == ("about:blank", status)
    assert told["title"]
    return told


def wrong(caller):
    """A wrong key with the prefix of a valid key."""
    return Caller(f"{caller.key[:-1]}{'a' if caller.key[-1] != 'a' else 'b'}")


def later(**ago):
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(**ago))


def test_request_without_a_key_is_refused(stranger):
    answer = stranger.send("GET", "/messages/")
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_wrong_key_is_refused(reader):
    assert_problem(wrong(reader).send("GET", "/messages/"), 401)


@pytest.mark.parametrize("key", ["x", "sb_", "sb_abcdefgh_" + "é" * 43, "a b c"])
def test_malformed_key_is_refused(db, key):
    answer = Client().get(f"{V1}/messages/", secure=True, HTTP_AUTHORIZATION=f"Bearer {key}")
    assert_problem(answer, 401)


def test_expired_key_is_refused(make_key):
    expired = make_key(expires_at=timezone.now() - timedelta(seconds=1))
    assert_problem(expired.send("GET", "/messages/"), 401)


def test_revoked_key_is_refused(reader):
    revoke(ApiKey.objects.get(), by=None)
    assert_problem(reader.send("GET", "/messages/"), 401)


def test_key_is_stored_only_as_a_hash(reader):
    stored = str(ApiKey.objects.values().get())
    assert reader.key[12:] not in stored


def test_key_in_a_log_line_is_redacted(reader, caplog):
    from statusboard.logs import RedactingFormatter  # noqa: PLC0415

    record = logging.makeLogRecord({"msg": f"found {reader.key} in the open"})
    assert reader.key[12:] not in RedactingFormatter().format(record)


def test_last_use_of_a_key_is_stored_once_a_minute(reader):
    reader.read("/messages/")
    first = ApiKey.objects.get().last_used_at
    reader.read("/messages/")
    assert ApiKey.objects.get().last_used_at == first
    later(minutes=2)
    reader.read("/messages/")
    assert not ApiKey.objects.filter(last_used_at__lte=first).exists()


def test_every_response_has_rate_limit_headers(reader, settings):
    settings.API_REQUESTS_PER_MINUTE = 10
    for left in (9, 8):
        headers = reader.send("GET", "/messages/").headers
        assert headers["RateLimit-Limit"] == "10"
        assert headers["RateLimit-Remaining"] == str(left)
        assert 0 < int(headers["RateLimit-Reset"]) <= 60


def test_request_over_the_limit_gets_retry_after(reader, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    for _ in range(2):
        reader.read("/messages/")
    answer = reader.send("GET", "/messages/")
    assert_problem(answer, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Remaining"] == "0"


def test_last_request_of_a_minute_is_granted_once_by_two_processes(reader, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    reader.read("/messages/")
    # Two processes that loaded the same row
    one, other = ApiKey.objects.get(), ApiKey.objects.get()
    assert [spend(one).is_spent, spend(other).is_spent] == [False, True]


def test_two_processes_share_the_count_of_a_new_minute(reader, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    one, other = ApiKey.objects.get(), ApiKey.objects.get()
    assert [spend(one).remaining, spend(other).remaining] == [1, 0]


def test_request_limit_resets_each_minute(reader, settings):
    settings.API_REQUESTS_PER_MINUTE = 1
    reader.read("/messages/")
    later(seconds=61)
    reader.read("/messages/")


def test_each_key_has_its_own_request_limit(make_key, settings):
    settings.API_REQUESTS_PER_MINUTE = 1
    for caller in (make_key(), make_key()):
        caller.read("/messages/")


def refused(caller):
    return [
        caller.send("GET", "/instances/"),
        caller.send("DELETE", "/messages/"),
        caller.send("GET", "/messages/", headers={"accept": "text/html"}),
    ]


def test_refused_requests_count_towards_the_limit(reader, settings):
    settings.API_REQUESTS_PER_MINUTE = 3
    answers = refused(reader)
    assert [answer.status_code for answer in answers] == [403, 405, 406]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    assert_problem(reader.send("GET", "/instances/"), 429)
    assert ApiKey.objects.get().last_used_at


def test_client_with_too_many_wrong_keys_gets_429(reader, settings):
    settings.API_WRONG_KEYS_PER_MINUTE = 2
    answers = [wrong(reader).send("GET", "/messages/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 30


def test_wrong_keys_do_not_use_up_the_limit_of_the_right_key(reader, settings):
    settings.API_WRONG_KEYS_PER_MINUTE = 2
    for _ in range(3):
        wrong(reader).send("GET", "/messages/")
    answer = reader.send("GET", "/messages/")
    assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (200, "599")


def test_client_without_a_key_gets_429_for_any_request(stranger, settings):
    settings.API_WRONG_KEYS_PER_MINUTE = 2
    assert [answer.status_code for answer in refused(stranger)] == [401, 401, 429]


def test_signed_in_user_can_read_without_a_key(admin_client, settings):
    settings.API_REQUESTS_PER_MINUTE = 1
    answers = [admin_client.get(f"{V1}/messages/", secure=True) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[0].headers["RateLimit-Remaining"] == "0"


def test_session_without_a_csrf_token_cannot_write(admin_user, instance):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    path = f"{V1}/messages/instance.id/M/label"
    answer = client.put(path, {"label": "L"}, "application/json", secure=True)
    assert_problem(answer, 403)


@pytest.mark.parametrize("path", ["/instances/", "/instances/1/"])
def test_key_reads_only_what_its_role_allows(make_key, path):
    told = assert_problem(make_key(KeyRole.SUPPORT).send("GET", path), 403)
    assert told["detail"] == "This key’s role (Support) does not allow this."
    assert make_key(KeyRole.SUPERVISOR).send("GET", path).status_code in {200, 404}


def test_key_for_labels_only_cannot_read(make_key):
    writer = make_key(KeyRole.ADMIN, may_read=False, may_label=True)
    told = assert_problem(writer.send("GET", "/messages/"), 403)
    assert told["detail"] == "This key can only label messages."


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/", "/api/v1/nothing/"])
def test_unknown_url_returns_problem_json(db, path):
    assert "/api/v1/schema/" in assert_problem(Client().get(path, secure=True), 404)["detail"]


@pytest.fixture
def broken(monkeypatch):
    monkeypatch.setattr("messages.api.filters.messages_for", None)


@pytest.mark.parametrize(("path", "status"), [("nothing/", 404), ("messages/", 500)])
@pytest.mark.usefixtures("broken")
def test_error_of_an_api_path_is_problem_json_with_the_right_length(reader, path, status):
    https = {"wsgi.url_scheme": "https", "HTTP_AUTHORIZATION": f"Bearer {reader.key}"}
    answer = call(f"{V1}/{path}", "GET", b"", **https)
    assert (answer.status, answer.headers["Content-Type"]) == (status, PROBLEM)
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.json()["detail"]
    assert "Set-Cookie" not in answer.headers


def test_method_not_allowed_returns_problem_json_with_allow_header(reader):
    answer = reader.send("DELETE", "/messages/")
    assert_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_unsupported_media_type_returns_problem_json(labeller):
    answer = labeller.send("POST", "/labels/", b"<a/>", media_type="text/xml")
    assert_problem(answer, 415)


def test_accept_html_is_refused_with_406(reader):
    answer = reader.send("GET", "/messages/", headers={"accept": "text/html"})
    assert_problem(answer, 406)


@pytest.mark.usefixtures("broken")
def test_server_error_returns_problem_json(reader):
    client = Client(raise_request_exception=False)
    headers = {"authorization": f"Bearer {reader.key}"}
    answer = client.get(f"{V1}/messages/", secure=True, headers=headers)
    assert_problem(answer, 500)
    assert b"NoneType" not in answer.content


def test_unavailable_database_returns_problem_json(reader):
    breaker.open()
    answer = reader.send("GET", "/messages/")
    assert_problem(answer, 503)
    assert answer.headers["Retry-After"]


def test_unknown_host_returns_problem_json(db):
    answer = Client().get(f"{V1}/messages/", secure=True, headers={"host": "evil.example"})
    assert_problem(answer, 400)


def test_chunked_body_is_refused_with_411(labeller):
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert_problem(labeller.send("POST", "/labels/", b"[]", **chunked), 411)


def test_webhook_errors_are_not_problem_json(post):
    assert post(b"no json").headers["Content-Type"] == "application/json"
    assert call("/webhooks/zapi/x/", "POST").status == 404
