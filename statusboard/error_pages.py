"""Error pages for refused requests, and error reports without secrets."""

import re
from collections.abc import ItemsView
from copy import copy
from pprint import pformat
from types import FrameType
from typing import Any

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseForbidden,
    HttpResponseNotFound,
)
from django.template.loader import render_to_string
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from .redaction import redact

# Django's own error pages read the form for a CSRF token. If the form is too large or broken they
# fail, and a stranger's POST to an unknown URL would become a server error.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    # Render without the request: the error may be its invalid Host header.
    return HttpResponseBadRequest(render_to_string("400.html"))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponseForbidden(render_to_string("403.html", request=request))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponseNotFound(render_to_string("404.html", request=request))


class _Redacted:
    """Replaces a value in an error report.

    The report prints repr() of it, which is the redacted text.
    """

    def __init__(self, value: Any) -> None:
        try:
            self._text = redact(pformat(value))
        except Exception as error:  # a report must not fail because of a broken repr
            self._text = f"<cannot be shown: {type(error).__name__}>"

    def __repr__(self) -> str:
        return self._text


class RedactingReporterFilter(SafeExceptionReporterFilter):
    """Hides values by name, as Django does, and secrets by what they look like.

    With DEBUG on, Django shows local variables unchanged.
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
    """Also redacts the error's message and the request's URL, which the filter does not see."""

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
