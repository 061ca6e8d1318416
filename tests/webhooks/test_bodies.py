"""Request bodies: compressed, chunked, incomplete, too large, or with a wrong length."""

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
# Without a timestamp, because the bytes are part of the pytest ids.
PACKED = gzip.compress(PLAIN, mtime=0)
GZIP = {"HTTP_CONTENT_ENCODING": "gzip"}
LIMIT = 1000


class Stream(io.BytesIO):
    """Counts the bytes read and returns only a few per read, like a slow client."""

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
    def test_gzip_callback_is_decompressed(self, post):
        assert post(PACKED, **GZIP).json() == {"outcome": "applied"}
        assert bytes(Callback.objects.get().body) == PLAIN

    @pytest.mark.parametrize("name", ["GZIP", " gzip ", "x-gzip"])
    def test_any_name_of_gzip_is_accepted(self, post, name):
        assert post(PACKED, HTTP_CONTENT_ENCODING=name).status == 200

    def test_plain_body_with_a_gzip_header_is_accepted(self, post):
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
    def test_broken_gzip_is_quarantined_unchanged(self, post, broken):
        answer = post(broken, **GZIP)
        assert (answer.status, "gzip data is invalid" in answer.json()["error"]) == (400, True)
        callback = Callback.objects.get()
        assert (callback.outcome, bytes(callback.body)) == ("quarantined", broken)

    def test_gzip_bomb_is_refused_as_too_large(self, post):
        bomb = gzip.compress(b" " * 50_000_000)
        assert len(bomb) < 100_000
        assert post(bomb, **GZIP).status == 413
        assert not Message.objects.exists()

    def test_gzip_without_its_header_is_decompressed(self, post):
        assert post(PACKED).json() == {"outcome": "applied"}

    def test_several_gzip_members_are_one_body(self, post):
        pieces = gzip.compress(PLAIN[:20]) + gzip.compress(PLAIN[20:])
        assert post(pieces, **GZIP).json() == {"outcome": "applied"}

    def test_body_with_too_many_gzip_members_is_not_decompressed(self):
        pieces = gzip.compress(b"") * 17
        assert read(pieces, CONTENT_LENGTH=str(len(pieces)), **GZIP) == pieces

    def test_gzip_body_is_decompressed_up_to_the_limit(self):
        packed = gzip.compress(b"x" * LIMIT)
        assert read(packed, CONTENT_LENGTH=str(len(packed)), **GZIP) == b"x" * LIMIT
        packed = gzip.compress(b"x" * (LIMIT + 1))
        assert refusal(packed, CONTENT_LENGTH=str(len(packed)), **GZIP) == 413

    @pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
    def test_unsupported_encoding_is_refused_before_reading_the_body(self, encoding):
        stream = Stream(zlib.compress(PLAIN))
        assert refusal(stream, CONTENT_LENGTH="9", HTTP_CONTENT_ENCODING=encoding) == 415
        assert stream.taken == 0

    def test_identity_encoding_is_accepted(self, post):
        assert post(PLAIN, HTTP_CONTENT_ENCODING="identity").status == 200


class TestSize:
    def test_body_declared_too_large_is_not_read(self):
        stream = Stream(b"x" * 5000)
        assert refusal(stream, CONTENT_LENGTH=str(LIMIT + 1)) == 413
        assert stream.taken == 0

    def test_body_of_unknown_size_is_read_completely(self):
        assert read(PLAIN, **{"wsgi.input_terminated": True}) == PLAIN

    def test_body_of_unknown_size_is_read_up_to_the_limit(self):
        stream = Stream(b"x" * 50_000)
        assert refusal(stream, **{"wsgi.input_terminated": True}) == 413
        assert stream.taken == LIMIT + 1

    def test_body_without_length_or_terminated_input_is_not_read(self):
        stream = Stream(PLAIN)
        assert (read(stream), stream.taken) == (b"", 0)

    def test_body_is_read_up_to_its_declared_length(self):
        assert read(b"abcdef", CONTENT_LENGTH="3") == b"abc"

    @pytest.mark.parametrize("length", ["abc", "-1", "1e3", "0x10", "1_0", "١٢", "1 2", "+5"])
    def test_invalid_content_length_is_refused(self, length):
        assert refusal(PLAIN, CONTENT_LENGTH=length) == 400

    @pytest.mark.parametrize("length", ["9" * 30, "9" * 9_000])
    def test_huge_content_length_is_refused_as_too_large(self, length):
        assert refusal(PLAIN, CONTENT_LENGTH=length) == 413

    @pytest.mark.parametrize("length", ["0" * 9_000 + "3", " 3 "])
    def test_content_length_with_spaces_or_leading_zeros_is_accepted(self, length):
        assert read(b"abcdef", CONTENT_LENGTH=length) == b"abc"

    def test_invalid_content_length_causes_no_server_error(self, instance):
        path = webhook_path(WebhookKey("instance.id", 1))
        for length in ("abc", "-1", "", "9" * 9_000, "٣"):
            extra = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": length}
            assert call(path, "POST", PLAIN, **extra).status in (400, 413)


class TestAClientThatGoesAway:
    def test_incomplete_body_is_refused_and_kept(self, post, caplog):
        answer = post(PLAIN[:-5], CONTENT_LENGTH=str(len(PLAIN)))
        assert answer.status == 400
        assert bytes(Callback.objects.get().body) == PLAIN[:-5]
        assert "Traceback" not in caplog.text

    def test_connection_error_while_reading_gives_an_empty_body(self):
        assert read(GoneStream(), CONTENT_LENGTH="50") == b""


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "json"])
def test_unsupported_content_type_is_refused_before_reading_the_body(kind):
    stream = Stream(PLAIN)
    assert refusal(stream, CONTENT_TYPE=kind, CONTENT_LENGTH="9") == 415
    assert stream.taken == 0


def test_parser_error_quarantines_the_callback(post, monkeypatch, caplog):
    def mistake(body):
        raise TypeError("ours")

    monkeypatch.setattr("messages.ingest.entries.parse", mistake)
    assert post(PLAIN).json() == {"outcome": "quarantined"}
    callback = Callback.objects.get()
    assert (callback.cause, bytes(callback.body)) == ("not read", PLAIN)
    assert "TypeError: ours" in caplog.text
    assert not Message.objects.exists()
