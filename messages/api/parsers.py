"""Parses JSON and CSV bodies of limited size."""

import json
from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils.json import strict_constant

from messages.labels import UnreadableFileError, rows_of_csv


class TooLargeError(APIException):
    status_code = 413
    default_detail = gettext_lazy("The request body is too large.")


class LengthRequiredError(APIException):
    """A chunked body: Django reads only as much as Content-Length says."""

    status_code = 411
    default_detail = gettext_lazy("Send a Content-Length header. Chunked bodies are not accepted.")


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class JsonParser(BaseParser):
    """DRF's parser raises server errors for deep nesting and unknown charsets; this does not."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return json.loads(_content(stream), parse_constant=strict_constant)
        except (ValueError, RecursionError):
            raise ParseError(_("The request body is not valid JSON.")) from None


class CsvParser(BaseParser):
    media_type = "text/csv"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return list(rows_of_csv(_content(stream)).values())
        except UnreadableFileError as error:
            raise ParseError(str(error)) from None


def _content(stream: _Stream) -> bytes:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    content = stream.read(most + 1)
    if len(content) > most:
        raise TooLargeError
    return content
