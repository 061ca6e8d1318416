"""Posts over real sockets, and all that must not be reached by them."""

import socket
import threading

import pytest

from messages.net import Answer, Failure, PostFailedError, SafeHttpClient
from messages.simulator.certificate import make_context
from tests.net.test_addresses import answering
from tests.receiver import Reply, receiving

TOKEN = "a-token-that-sends-messages"


def courier(url, **options):
    return SafeHttpClient(url, **{"allow_private": True} | options)


def post(url, body=b"{}", headers=None, **options):
    with courier(url, **options) as one:
        return one.post(body, headers or {})


def failure(url, **options):
    with pytest.raises(PostFailedError) as caught:
        post(url, **options)
    return caught.value.failure


def test_it_posts_byte_for_byte(receiver):
    body = b'{ "a" : "\xc3\xa7\\u0000" }\n\x00\xff'
    answer = post(f"{receiver.url}?a=%2F", body, {"Content-Type": "application/json"})
    (received,) = receiver.received
    assert answer == Answer(200, None)
    assert (received.body, received.path) == (body, "/hook?a=%2F")
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_it_keeps_the_connection(receiver):
    receiver.reply = Reply(body=b"thanks")
    with courier(receiver.url) as one:
        for _ in range(3):
            one.post(b"{}", {})
    assert len({received.connection for received in receiver.received}) == 1


def test_a_connection_that_was_ended_meanwhile_is_made_anew(receiver):
    # The receiver announces nothing, and ends the connection after each answer.
    def answer_and_leave(handler):
        handler.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        handler.close_connection = True

    receiver.talk = answer_and_leave
    with courier(receiver.url) as one:
        assert [one.post(b"{}", {}).status for _ in range(3)] == [204, 204, 204]


def test_it_calls_again_after_connection_close(receiver):
    receiver.reply = Reply(headers={"Connection": "close"})
    with courier(receiver.url) as one:
        assert [one.post(b"{}", {}).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, status):
    with receiving() as elsewhere:
        receiver.reply = Reply(status, {"Location": elsewhere.url})
        assert post(receiver.url).status == status
        assert elsewhere.received == []


def test_a_name_that_leads_to_this_machine_is_not_called(receiver):
    url = f"https://crm.example.com:{receiver.port}/"
    options = {"allow_private": False, "resolver": answering("127.0.0.1")}
    assert failure(url, **options) is Failure.UNSAFE
    assert receiver.received == []


def test_a_name_is_asked_once_and_what_was_checked_is_called(monkeypatch):
    """DNS rebinding: the first answer is public, every later one is this machine."""
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
    # Asked anew for a new connection, and then checked anew.
    assert failure(url, allow_private=False, resolver=resolver) is Failure.UNSAFE
    assert len(called) == 1


def test_the_next_number_is_tried(receiver):
    resolver = answering("127.0.0.2", "127.0.0.1")
    assert post(f"http://crm.example.com:{receiver.port}/", resolver=resolver).status == 200
    assert receiver.received[0].headers["host"] == f"crm.example.com:{receiver.port}"


def test_the_certificate_must_fit_the_name_and_not_the_number(tmp_path):
    file = tmp_path / "certificate.pem"
    with receiving(make_context(file)) as receiver:
        options = {"ca_file": str(file), "resolver": answering("127.0.0.1")}
        assert post(f"https://localhost:{receiver.port}/", **options).status == 200
        other = f"https://crm.example.com:{receiver.port}/"
        assert failure(other, **options) is Failure.NOT_TRUSTED
        assert failure(receiver.url) is Failure.NOT_TRUSTED
        assert len(receiver.received) == 1


def test_nobody_listening_is_unreachable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert failure(f"http://127.0.0.1:{port}/") is Failure.UNREACHABLE


def test_a_name_that_is_not_found_is_unreachable():
    def resolver(host, port, **options):
        raise socket.gaierror("not found")

    assert failure("https://crm.example.com/", resolver=resolver) is Failure.UNREACHABLE


def test_a_receiver_that_is_silent_is_too_slow(receiver):
    receiver.reply = Reply(delay=1.0)
    assert failure(receiver.url, whole_timeout=0.2) is Failure.TOO_SLOW


def test_an_answer_that_trickles_in_is_cut_off(receiver):
    is_over = threading.Event()

    def trickle(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not is_over.wait(0.02):
            handler.wfile.write(b"x")

    receiver.talk = trickle
    assert failure(receiver.url, whole_timeout=0.3) is Failure.TOO_SLOW
    is_over.set()


def test_a_handshake_that_never_ends_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert failure(url, whole_timeout=0.3) is Failure.TOO_SLOW


def test_the_status_counts_even_if_the_body_never_ends(receiver):
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
def test_an_answer_that_is_no_http_is_no_answer(receiver, answer):
    def talk(handler):
        handler.wfile.write(answer)
        handler.close_connection = True

    receiver.talk = talk
    assert failure(receiver.url) is Failure.UNREACHABLE


@pytest.mark.parametrize("token", [f"{TOKEN}\r\nX: y", f"{TOKEN}\n"])
def test_a_header_that_cannot_be_sent_is_not_shown(receiver, token):
    with courier(receiver.url) as one, pytest.raises(PostFailedError) as caught:
        one.post(b"{}", {"z-api-token": token})
    assert caught.value.failure is Failure.IMPOSSIBLE
    assert caught.value.__suppress_context__
    assert TOKEN not in str(caught.value)
    assert receiver.received == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), ("-5", 0), ("soon", None), ("Sat, 01 Jan 2000 00:00:00 GMT", 0)],
)
def test_retry_after_is_read(receiver, text, seconds):
    receiver.reply = Reply(503, {"Retry-After": text})
    assert post(receiver.url) == Answer(503, seconds)


def test_a_receiver_that_takes_nothing_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with courier(url, whole_timeout=0.3) as one, pytest.raises(PostFailedError) as caught:
            one.post(b"x" * 32 * 1024 * 1024, {})
        assert caught.value.failure is Failure.TOO_SLOW
