"""Reads the body of a callback: decompressed, and never more than the size limit."""

import zlib
from collections.abc import Mapping
from typing import Any, Protocol

from messages.domain.causes import Cause, plain_cause_text

_CHUNK = 64 * 1024
_GZIP = {"gzip", "x-gzip"}
# A gzip file may have several members (RFC 1952). No sender uses as many as this.
_MAX_MEMBERS = 16
_GZIP_MAGIC = b"\x1f\x8b"
# zlib's value for gzip's header and checksum.
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


class BodyRefusedError(Exception):
    """The body was refused. str() returns the complete message in English."""

    def __init__(self, status: int, cause: Cause, *values: object) -> None:
        super().__init__(status, cause, *values)
        self.status = status
        self.cause = cause
        self.values = values

    def __str__(self) -> str:
        return plain_cause_text(self.cause, self.values)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_body(meta: Mapping[str, Any], limit: int) -> bytes:
    """The body of a WSGI request. Raises BodyRefusedError (415 with the body unread, 413, 400).

    Gzip is decompressed even without a header that names it, because no JSON begins like it. Broken
    gzip is returned unchanged, because it is still evidence.
    """
    media_type = meta.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise BodyRefusedError(415, Cause.WRONG_CONTENT_TYPE, _shown(media_type))
    encoding = meta.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in {"", "identity", *_GZIP}:
        raise BodyRefusedError(415, Cause.WRONG_ENCODING, _shown(encoding))
    body = _read(meta["wsgi.input"], _size_to_read(meta, limit))
    if body.startswith(_GZIP_MAGIC) and len(body) <= limit:
        body = _inflated(body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _size_to_read(meta: Mapping[str, Any], limit: int) -> int:
    """At most one byte above the limit, which is enough to notice that it is exceeded."""
    declared = meta.get("CONTENT_LENGTH", "").strip()
    if not declared:
        # Chunked. If the server does not signal the end of the body, reading would block.
        return limit + 1 if meta.get("wsgi.input_terminated") else 0
    if not (declared.isascii() and declared.isdigit()):
        raise BodyRefusedError(400, Cause.WRONG_LENGTH)
    digits = declared.lstrip("0") or "0"
    # Count the digits first, because int() refuses thousands of them.
    if len(digits) > len(str(limit)) or int(digits) > limit:
        raise _too_large(limit)
    return int(digits)


def _read(stream: _Stream, size: int) -> bytes:
    """Up to `size` bytes, or fewer if the client disconnected."""
    whole = bytearray()
    try:
        while len(whole) < size and (chunk := stream.read(min(_CHUNK, size - len(whole)))):
            whole += chunk
    except OSError:
        pass
    return bytes(whole)


def _inflated(packed: bytes, limit: int) -> bytes:
    """Decompress at most one byte more than the limit, so that a gzip bomb costs no more."""
    whole, rest = b"", packed
    for _ in range(_MAX_MEMBERS):
        unpacker = zlib.decompressobj(_WITH_GZIP_HEADER)
        try:
            whole += unpacker.decompress(rest, limit + 1 - len(whole))
        except zlib.error:
            return packed
        rest = unpacker.unused_data
        if len(whole) > limit or (unpacker.eof and not rest):
            return whole
        if not unpacker.eof:
            break
    return packed


def _too_large(limit: int) -> BodyRefusedError:
    return BodyRefusedError(413, Cause.TOO_LARGE, limit)


def _shown(header: str) -> str:
    """The value of a header for a stored text: short and printable."""
    return ascii(header[:60])
