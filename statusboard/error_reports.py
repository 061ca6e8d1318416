"""Error reports, DEBUG's page among them: what they show of settings, requests and variables."""

import re
from collections.abc import ItemsView
from copy import copy
from pprint import pformat
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from .redaction import redact


class _Redacted:
    """Stands in for a value; a report asks for its repr."""

    def __init__(self, value: Any) -> None:
        try:
            self._text = redact(pformat(value))
        except Exception as error:  # A report must not fail over a broken repr.
            self._text = f"<cannot be shown: {type(error).__name__}>"

    def __repr__(self) -> str:
        return self._text


class RedactingReporterFilter(SafeExceptionReporterFilter):
    """Django's, which hides by name, and redaction, which knows what secrets look like here.

    Django shows local variables as they are where DEBUG is on.
    """

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern
        + "|AUTHORIZATION|COOKIE|CREDENTIAL|DIGEST|EMAIL_URL|DATABASE_URL|SEALED|PLAIN",
        re.IGNORECASE,
    )

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return redact(cleansed) if isinstance(cleansed, str) else cleansed

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return {name: self._shown(name, value) for name, value in variables}.items()

    def _shown(self, name: str, value: Any) -> Any:
        if self.hidden_settings.search(name):
            return _Redacted(self.cleansed_substitute)
        return _Redacted(value)


class RedactingReporter(ExceptionReporter):
    """Django's, which leaves to the filter neither an error's words nor the request's address."""

    def get_traceback_data(self) -> dict[str, Any]:
        data: dict[str, Any] = super().get_traceback_data()
        for name in ("exception_value", "request_insecure_uri"):
            if name in data:
                data[name] = redact(str(data[name]))
        data["request_GET_items"] = [
            (name, redact(f"{name}={value}").partition("=")[2])
            for name, value in data.get("request_GET_items") or ()
        ]
        if self.request:
            data["request"] = copy(self.request)
            data["request"].path_info = redact(self.request.path_info)
        for frame in data["frames"]:
            if frame.get("exc_cause"):
                frame["exc_cause"] = redact(str(frame["exc_cause"]))
        return data
