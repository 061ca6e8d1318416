"""The HTTP client over real sockets."""

import socket
import threading

import pytest

from messages.net import Answer, Failure, PostFailedError, SafeHttpClient
from messages.simulator.certificate import make_context
from tests.net.test_url_guard import answering
from tests.plugins.receiver import Reply, receiving

TOKEN = "a-token-that-sends-messages"


def client(url, **options):
    return SafeHttpClient(url, **{"allow_private": True} | options)


def post(url, body=b"{}", headers=None, **options):
    with client(url, **options) as opened:
        return opened.post(body, headers or {})


def failure(url, **options):
    with pytest.raises(PostFailedError) as caught:
        post(url, **options)
    return caught.value.failure


def test_post_sends_body_and_path_unchanged(receiver):
    body = b'{ "a" : "\xc3\xa7\\u0000" }\n\x00\xff'
    answer = post(f"{receiver.url}?a=%2F", body, {"Content-Type": "application/json"})
    (received,) = receiver.received
    assert answer == Answer(200, None)
    assert (received.body, received.path) == (body, "/hook?a=%2F")
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_post_reuses_the_connection(receiver):
    receiver.reply = Reply(body=b"thanks")
    with client(receiver.url) as opened:
        for _ in range(3):
            opened.post(b"{}", {})
    assert len({received.connection for received in receiver.received}) == 1


def test_post_on_a_closed_connection_connects_again(receiver):
    # The receiver closes the connection after each response without a `Connection: close` header.
    def answer_and_leave(handler):
        handler.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        handler.close_connection = True

    receiver.talk = answer_and_leave
    with client(receiver.url) as opened:
        assert [opened.post(b"{}", {}).status for _ in range(3)] == [204, 204, 204]


def test_post_after_connection_close_connects_again(receiver):
    receiver.reply = Reply(headers={"Connection": "close"})
    with client(receiver.url) as opened:
        assert [opened.post(b"{}", {}).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(receiver, status):
    with receiving() as elsewhere:
        receiver.reply = Reply(status, {"Location": elsewhere.url})
        assert post(receiver.url).status == status
        assert elsewhere.received == []


def test_host_that_resolves_to_localhost_is_not_called(receiver):
    url = f"https://crm.example.com:{receiver.port}/"
    options = {"allow_private": False, "resolver": answering("127.0.0.1")}
    assert failure(url, **options) is Failure.UNSAFE
    assert receiver.received == []


def test_post_connects_to_the_ip_that_was_checked(monkeypatch):
    """DNS rebinding: the first lookup gives a public IP, later ones give 127.0.0.1."""
    answers = [answering("93.184.215.14"), answering("127.0.0.1")]
    asked, called = [], []

    def resolver(host, port, **options):
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1](host, port, **options)

    def create_connection(address, timeout):
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    url = "https://crm.example.com/"
    assert failure(url, allow_private=False, resolver=resolver) is Failure.UNREACHABLE
    assert (asked, called) == (["crm.example.com"], [("93.184.215.14", 443)])
    # A new connection resolves and checks the host again.
    assert failure(url, allow_private=False, resolver=resolver) is Failure.UNSAFE
    assert len(called) == 1


def test_unreachable_first_ip_is_followed_by_the_next(receiver):
    resolver = answering("127.0.0.2", "127.0.0.1")
    assert post(f"http://crm.example.com:{receiver.port}/", resolver=resolver).status == 200
    assert receiver.received[0].headers["host"] == f"crm.example.com:{receiver.port}"


def test_certificate_must_match_the_host_name(tmp_path):
    file = tmp_path / "certificate.pem"
    with receiving(make_context(file)) as receiver:
        options = {"ca_file": str(file), "resolver": answering("127.0.0.1")}
        assert post(f"https://localhost:{receiver.port}/", **options).status == 200
        other = f"https://crm.example.com:{receiver.port}/"
        assert failure(other, **options) is Failure.NOT_TRUSTED
        assert failure(receiver.url) is Failure.NOT_TRUSTED
        assert len(receiver.received) == 1


def test_closed_port_is_unreachable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert failure(f"http://127.0.0.1:{port}/") is Failure.UNREACHABLE


def test_unknown_host_is_unreachable():
    def resolver(host, port, **options):
        raise socket.gaierror("not found")

    assert failure("https://crm.example.com/", resolver=resolver) is Failure.UNREACHABLE


def test_silent_receiver_is_too_slow(receiver):
    receiver.reply = Reply(delay=1.0)
    assert failure(receiver.url, whole_timeout=0.2) is Failure.TOO_SLOW


def test_answer_that_arrives_byte_by_byte_is_cut_off(receiver):
    is_over = threading.Event()

    def trickle(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not is_over.wait(0.02):
            handler.wfile.write(b"x")

    receiver.talk = trickle
    assert failure(receiver.url, whole_timeout=0.3) is Failure.TOO_SLOW
    is_over.set()


def test_handshake_that_never_ends_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert failure(url, whole_timeout=0.3) is Failure.TOO_SLOW


def test_endless_body_does_not_hide_the_status(receiver):
    stop = threading.Event()

    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not stop.is_set():
            handler.wfile.write(b"x" * 65536)

    receiver.talk = flood
    assert post(receiver.url, whole_timeout=60).status == 200
    stop.set()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x00\xff" * 100, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A" * 99999],
)
def test_answer_that_is_not_http_is_unreachable(receiver, answer):
    def talk(handler):
        handler.wfile.write(answer)
        handler.close_connection = True

    receiver.talk = talk
    assert failure(receiver.url) is Failure.UNREACHABLE


@pytest.mark.parametrize("token", [f"{TOKEN}\r\nX: y", f"{TOKEN}\n"])
def test_invalid_header_is_not_shown_in_the_error(receiver, token):
    with client(receiver.url) as opened, pytest.raises(PostFailedError) as caught:
        opened.post(b"{}", {"z-api-token": token})
    assert caught.value.failure is Failure.IMPOSSIBLE
    assert caught.value.__suppress_context__
    assert TOKEN not in str(caught.value)
    assert receiver.received == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), ("-5", 0), ("soon", None), ("Sat, 01 Jan 2000 00:00:00 GMT", 0)],
)
def test_retry_after_is_parsed(receiver, text, seconds):
    receiver.reply = Reply(503, {"Retry-After": text})
    assert post(receiver.url) == Answer(503, seconds)


def test_receiver_that_reads_nothing_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with client(url, whole_timeout=0.3) as opened, pytest.raises(PostFailedError) as caught:
            opened.post(b"x" * 32 * 1024 * 1024, {})
        assert caught.value.failure is Failure.TOO_SLOW
