"""What a body may be: packed, chunked, cut short, too large, or lying about itself."""

import gzip
import io
import json
import zlib

import pytest

from messages.instances.webhook_keys import WebhookKey, webhook_path
from messages.models import Callback, Message
from messages.webhooks.body import BodyRefusedError, read_body
from tests.plugins.webhook import call

STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"]}
PLAIN = json.dumps(STATUS).encode()
# Without the time, because it is part of the names of tests.
PACKED = gzip.compress(PLAIN, mtime=0)
GZIP = {"HTTP_CONTENT_ENCODING": "gzip"}
LIMIT = 1000


class Stream(io.BytesIO):
    """Notes how much was asked of it, and gives little at a time as a slow client does."""

    taken = 0

    def read(self, size=-1, /):
        chunk = super().read(min(size, 7) if size >= 0 else size)
        self.taken += len(chunk)
        return chunk


class GoneStream:
    def read(self, size=-1, /):
        raise ConnectionResetError


def read(body, **meta):
    stream = body if hasattr(body, "read") else Stream(body)
    base = {"CONTENT_TYPE": "application/json", "wsgi.input": stream}
    return read_body(base | meta, LIMIT)


def refusal(body, **meta):
    with pytest.raises(BodyRefusedError) as caught:
        read(body, **meta)
    return caught.value.status


class TestGzip:
    def test_a_packed_callback_is_unpacked(self, post):
        assert post(PACKED, **GZIP).json() == {"outcome": "applied"}
        assert bytes(Callback.objects.get().body) == PLAIN

    @pytest.mark.parametrize("name", ["GZIP", " gzip ", "x-gzip"])
    def test_by_any_of_its_names(self, post, name):
        assert post(PACKED, HTTP_CONTENT_ENCODING=name).status == 200

    def test_what_a_proxy_unpacked_already_is_taken_as_it_is(self, post):
        assert post(PLAIN, **GZIP).json() == {"outcome": "applied"}

    @pytest.mark.parametrize(
        "broken",
        [
            PACKED[:-1],
            PACKED[:20],
            PACKED + b"more",
            PACKED[:-8] + b"\0" * 8,
            b"\x1f\x8b",
            b"\x1f\x8bnonsense",
        ],
    )
    def test_broken_gzip_is_malformed_and_kept_as_it_came(self, post, broken):
        answer = post(broken, **GZIP)
        assert (answer.status, "gzip data is invalid" in answer.json()["error"]) == (400, True)
        callback = Callback.objects.get()
        assert (callback.outcome, bytes(callback.body)) == ("quarantined", broken)

    def test_a_bomb_is_too_large(self, post):
        bomb = gzip.compress(b" " * 50_000_000)
        assert len(bomb) < 100_000
        assert post(bomb, **GZIP).status == 413
        assert not Message.objects.exists()

    def test_it_is_unpacked_also_where_no_header_names_it(self, post):
        assert post(PACKED).json() == {"outcome": "applied"}

    def test_several_pieces_make_one_body(self, post):
        pieces = gzip.compress(PLAIN[:20]) + gzip.compress(PLAIN[20:])
        assert post(pieces, **GZIP).json() == {"outcome": "applied"}

    def test_no_more_pieces_than_anybody_sends_are_unpacked(self):
        pieces = gzip.compress(b"") * 17
        assert read(pieces, CONTENT_LENGTH=str(len(pieces)), **GZIP) == pieces

    def test_up_to_the_cap_it_is_unpacked(self):
        packed = gzip.compress(b"x" * LIMIT)
        assert read(packed, CONTENT_LENGTH=str(len(packed)), **GZIP) == b"x" * LIMIT
        packed = gzip.compress(b"x" * (LIMIT + 1))
        assert refusal(packed, CONTENT_LENGTH=str(len(packed)), **GZIP) == 413

    @pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
    def test_another_encoding_is_refused_with_the_body_unread(self, encoding):
        stream = Stream(zlib.compress(PLAIN))
        assert refusal(stream, CONTENT_LENGTH="9", HTTP_CONTENT_ENCODING=encoding) == 415
        assert stream.taken == 0

    def test_identity_is_no_encoding(self, post):
        assert post(PLAIN, HTTP_CONTENT_ENCODING="identity").status == 200


class TestSize:
    def test_a_body_declared_too_large_is_not_read(self):
        stream = Stream(b"x" * 5000)
        assert refusal(stream, CONTENT_LENGTH=str(LIMIT + 1)) == 413
        assert stream.taken == 0

    def test_a_body_of_unknown_size_is_read_to_its_end(self):
        assert read(PLAIN, **{"wsgi.input_terminated": True}) == PLAIN

    def test_a_body_of_unknown_size_is_read_no_further_than_the_cap(self):
        stream = Stream(b"x" * 50_000)
        assert refusal(stream, **{"wsgi.input_terminated": True}) == 413
        assert stream.taken == LIMIT + 1

    def test_no_server_is_asked_for_more_than_it_can_tell_the_end_of(self):
        stream = Stream(PLAIN)
        assert (read(stream), stream.taken) == (b"", 0)

    def test_no_more_than_declared_is_read(self):
        assert read(b"abcdef", CONTENT_LENGTH="3") == b"abc"

    @pytest.mark.parametrize("length", ["abc", "-1", "1e3", "0x10", "1_0", "١٢", "1 2", "+5"])
    def test_a_length_that_is_no_number_is_refused(self, length):
        assert refusal(PLAIN, CONTENT_LENGTH=length) == 400

    @pytest.mark.parametrize("length", ["9" * 30, "9" * 9_000])
    def test_an_absurd_length_is_too_large(self, length):
        assert refusal(PLAIN, CONTENT_LENGTH=length) == 413

    @pytest.mark.parametrize("length", ["0" * 9_000 + "3", " 3 "])
    def test_a_length_oddly_written_is_still_a_length(self, length):
        assert read(b"abcdef", CONTENT_LENGTH=length) == b"abc"

    def test_all_of_it_is_answered_without_an_error_of_ours(self, instance):
        path = webhook_path(WebhookKey("instance.id", 1))
        for length in ("abc", "-1", "", "9" * 9_000, "٣"):
            extra = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": length}
            assert call(path, "POST", PLAIN, **extra).status in (400, 413)


class TestAClientThatGoesAway:
    def test_what_came_is_malformed_and_kept(self, post, caplog):
        answer = post(PLAIN[:-5], CONTENT_LENGTH=str(len(PLAIN)))
        assert answer.status == 400
        assert bytes(Callback.objects.get().body) == PLAIN[:-5]
        assert "Traceback" not in caplog.text

    def test_a_server_that_says_so_by_an_error_is_understood(self):
        assert read(GoneStream(), CONTENT_LENGTH="50") == b""


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "json"])
def test_another_content_type_is_refused_with_the_body_unread(kind):
    stream = Stream(PLAIN)
    assert refusal(stream, CONTENT_TYPE=kind, CONTENT_LENGTH="9") == 415
    assert stream.taken == 0


def test_our_own_mistake_in_reading_a_callback_loses_nothing(post, monkeypatch, caplog):
    def mistake(body):
        raise TypeError("ours")

    monkeypatch.setattr("messages.ingest.entries.parse", mistake)
    assert post(PLAIN).json() == {"outcome": "quarantined"}
    callback = Callback.objects.get()
    assert (callback.cause, bytes(callback.body)) == ("not read", PLAIN)
    assert "TypeError: ours" in caplog.text
    assert not Message.objects.exists()
