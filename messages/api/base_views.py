"""The base of all API views: authentication, permissions, rate limits, errors."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messages.accounts.api_keys import KeyHolder, spend
from statusboard.rate_limiter import ClientRateLimiter, Quota, RateLimiter

from .authentication import KeyAuthentication
from .parsers import LengthRequiredError
from .problem_details import problem_response

# Bytes of a rejected body that are read, so that the connection can be reused.
_MAX_DRAINED: Final = 64 * 1024

unknown_callers: Final = ClientRateLimiter("API_WRONG_KEYS_PER_MINUTE", "wrong API keys")
# Signed-in users have the same limit as an API key, but each process counts its own requests.
people: Final = RateLimiter("API_REQUESTS_PER_MINUTE", "API requests")

VIEW_MESSAGES = "whatsapp.view_message"


class HasPermission(BasePermission):
    """Checks the view's permission against the role of the key or person."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        permission = getattr(view, "permission", VIEW_MESSAGES)
        if isinstance(request.user, KeyHolder):
            self.message = request.user.lacks(permission)
        return request.user is not None and request.user.has_perm(permission)


class ApiView(APIView):
    """Answers in JSON, with times in UTC and errors as problems."""

    authentication_classes = (KeyAuthentication, SessionAuthentication)
    permission_classes: Sequence[type[BasePermission]] = (HasPermission,)
    metadata_class = None
    # None until the caller is known.
    quota: Quota | None = None
    # The permission that the view requires.
    permission: str = VIEW_MESSAGES

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # The pages use the viewer's time zone.
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count before checking permissions, so that rejected requests count too."""
        self.quota = _quota_of(request.user)
        if self.quota and self.quota.is_spent:
            raise Throttled(self.quota.wait)
        super().initial(request, *args, **kwargs)
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            _drain(request)
            raise LengthRequiredError

    def handle_exception(self, exc: Exception) -> Response:
        if self.quota is None and isinstance(exc, APIException):
            self.quota = unknown_callers.take_of(self.request.META)
            exc = Throttled(self.quota.wait) if self.quota.is_spent else exc
        return super().handle_exception(exc)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return problem_response

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, number in _limits(self.quota):
            answer.headers[name] = str(number)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def _quota_of(user: Any) -> Quota | None:
    """None for unknown callers: they are counted by IP, and only when rejected."""
    if isinstance(user, KeyHolder):
        return spend(user.key)
    return people.take(f"user {user.pk}") if user is not None else None


def _limits(quota: Quota | None) -> list[tuple[str, int]]:
    """The headers of the IETF draft on RateLimit header fields."""
    if quota is None:
        return []
    return [
        ("RateLimit-Limit", quota.limit),
        ("RateLimit-Remaining", quota.remaining),
        ("RateLimit-Reset", quota.seconds_left),
    ]


def _drain(request: Request) -> None:
    # Only if the server marks the end of the body; otherwise read() would wait for more.
    if request.META.get("wsgi.input_terminated"):
        request.META["wsgi.input"].read(_MAX_DRAINED)
