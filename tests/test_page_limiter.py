"""Pages use only part of the threads, so that callbacks always get one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from statusboard.page_limiter import MAX_WHOLE, PageConcurrencyLimiter
from tests.plugins.webhook import call, connections_of_the_test

BROWSER = {"HTTP_ACCEPT": "text/html,*/*"}
ENDLESS = [b"x" * 1024] * (2 * MAX_WHOLE // 1024)


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    with connections_of_the_test():
        yield


class Site:
    """A fake Django application that returns given chunks and counts closed responses."""

    def __init__(self, *chunks: bytes, streams: bool = False) -> None:
        self.chunks, self.streams, self.closed = chunks, streams, 0

    def __call__(self, environ, start_response):
        response = (
            StreamingHttpResponse(iter(self.chunks))
            if self.streams
            else HttpResponse(b"".join(self.chunks))
        )
        close = response.close

        def count() -> None:
            self.closed += 1
            close()

        setattr(response, "close", count)  # noqa: B010  (mypy refuses the assignment)
        start_response("200 OK", list(response.items()))
        return response


class Client:
    def __init__(self, site, threads=4):
        self.limiter = PageConcurrencyLimiter(site, threads)
        self.status = ""
        self.headers: dict[str, str] = {}

    def open(self, path="/", method="GET", **more):
        """Request a path and return the response body.

        A server closes the body after the last byte.
        """
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, **more}
        return self.limiter(environ, self._start)

    def _start(self, status, headers, *_):
        self.status, self.headers = status, dict(headers)


def test_page_over_the_thread_limit_gets_503():
    statuses: list[str] = []

    def site(environ, start_response):
        if len(statuses) < 2:
            statuses.append("")
            client.open(**BROWSER)
            statuses.append(client.status)
        start_response("200 OK", [])
        return HttpResponse(b"page")

    client = Client(site, threads=4)
    client.open()
    assert [status for status in statuses if status] == ["503 Service Unavailable", "200 OK"]


def full(path="/", method="GET", **more):
    """The response to a request when all page threads are busy."""
    answers: list[Any] = []

    def site(environ, start_response):
        body = client.open(path, method, **more)
        answers.append((client.status, client.headers, b"".join(body)))
        start_response("200 OK", [])
        return HttpResponse(b"page")

    client = Client(site, threads=2)
    client.open()
    return answers[0]


def test_busy_page_in_a_browser_is_refreshed_automatically():
    status, headers, body = full(**BROWSER)
    assert status == "503 Service Unavailable"
    assert headers["Refresh"] == headers["Retry-After"] == "2"
    assert headers["Cache-Control"] == "no-store"
    assert b"Try again" in body
    assert b"Tente novamente" in body
    assert b"<style" not in body


@pytest.mark.parametrize(
    ("method", "more"),
    [("POST", BROWSER), ("GET", {}), ("GET", BROWSER | {"HTTP_HX_REQUEST": "true"})],
)
def test_busy_response_to_other_requests_is_not_refreshed(method, more):
    status, headers, _ = full("/", method, **more)
    assert status == "503 Service Unavailable"
    assert "Refresh" not in headers
    assert headers["Retry-After"] == "2"


def test_busy_api_returns_problem_json():
    _, headers, body = full("/api/v1/messages/", **BROWSER)
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["status"] == 503


def test_page_body_is_buffered_and_frees_its_thread():
    site = Site(b"a", b"b")
    client = Client(site, threads=2)
    for _ in range(3):
        assert client.open() == [b"ab"]
    assert site.closed == 3


def test_short_stream_is_buffered():
    site = Site(b"a", b"b", streams=True)
    assert Client(site).open() == [b"ab"]
    assert site.closed == 1


def test_long_stream_keeps_its_thread_until_closed():
    site = Site(*ENDLESS, streams=True)
    client = Client(site, threads=2)
    stream = client.open()
    assert client.status == "200 OK"
    client.open()
    assert client.status == "503 Service Unavailable"
    assert b"".join(stream) == b"".join(ENDLESS)
    stream.close()
    client.open()
    assert client.status == "200 OK"


def test_long_streams_leave_threads_for_other_pages():
    answers = [Site(*ENDLESS, streams=True) for _ in range(3)] + [Site(b"page")]

    def site(environ, start_response):
        return answers.pop(0)(environ, start_response)

    client = Client(site, threads=20)
    streams = [client.open() for _ in range(3)]
    assert client.open() == [b"page"]
    assert len(streams) == 3


def test_stream_over_the_limit_is_closed_and_gets_503():
    site = Site(*ENDLESS, streams=True)
    client = Client(site, threads=20)
    held = [client.open() for _ in range(4)]
    assert client.status == "503 Service Unavailable"
    assert site.closed == 1
    held[0].close()
    client.open()
    assert client.status == "200 OK"


def test_page_that_fails_frees_its_thread():
    def broken(environ, start_response):
        raise ValueError("broken")

    client = Client(broken, threads=2)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            client.open()


def test_stream_that_fails_at_its_start_frees_its_thread():
    def failing() -> Iterator[bytes]:
        yield b"x"
        raise ValueError("broken")

    def site(environ, start_response):
        start_response("200 OK", [])
        return StreamingHttpResponse(failing())

    client = Client(site, threads=2)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            client.open()


def test_sign_in_requests_leave_threads_for_other_pages():
    statuses: list[str] = []

    def site(environ, start_response):
        if len(statuses) < 2:
            statuses.append("")
            client.open("/account/login/", "POST")
            statuses.append(client.status)
            client.open("/")
            statuses.append(client.status)
        start_response("200 OK", [])
        return HttpResponse(b"page")

    client = Client(site, threads=4)
    client.open("/account/login/", "POST")
    assert [status for status in statuses if status][:2] == ["503 Service Unavailable", "200 OK"]


class Unreadable:
    def read(self, *_):
        raise AssertionError("the body was read")


UNREADABLE: Any = {"wsgi.input": Unreadable()}


@pytest.mark.parametrize(
    "path",
    ["/account/login/", "/", "/api/v1/messages/labels/", "/static/x", "/nothing/", "/labels"],
)
def test_body_over_the_limit_is_refused_unread(path):
    size = 3 * 2**20
    answer = call(path, "POST", **UNREADABLE, CONTENT_LENGTH=str(size))
    assert answer.status == 413
    assert answer.headers["Cache-Control"] == "no-store"


def test_body_over_the_limit_gets_problem_json_from_the_api():
    answer = call("/api/v1/messages/", "POST", CONTENT_LENGTH=str(2**21))
    assert answer.json()["status"] == 413


def test_body_over_the_limit_gets_an_explaining_page():
    answer = call("/account/login/", "POST", CONTENT_LENGTH=str(2**21))
    assert b"too large" in answer.body
    assert b"grande demais" in answer.body


@pytest.mark.parametrize("length", ["abc", "-1", "9" * 5000, "²", "1e3"])
def test_invalid_content_length_is_refused(length):
    assert call("/account/login/", "POST", CONTENT_LENGTH=length).status == 413


def test_body_without_a_length_is_refused_unread():
    answer = call(
        "/account/login/",
        "POST",
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
        **UNREADABLE,
    )
    assert answer.status == 411


@pytest.mark.django_db
def test_instance_import_accepts_larger_bodies():
    assert call("/instances/import/", "POST", b"x" * (2 * 2**20)).status != 413
