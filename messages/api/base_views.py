"""What all answers of the API have in common."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, ClassVar, Final

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

# Of a body that is refused, so that its connection can go on.
_MAX_READ_AWAY: Final = 64 * 1024

strangers: Final = ClientRateLimiter("API_WRONG_KEYS_PER_MINUTE", "wrong API keys")
# Who is signed in and tries the API out, like a key, but counted by each process for itself.
people: Final = RateLimiter("API_REQUESTS_PER_MINUTE", "API requests")

VIEW_MESSAGES = "whatsapp.view_message"


class HasPermission(BasePermission):
    """The one that the view names, by the role of the key or of the person."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        permission = getattr(view, "permission", VIEW_MESSAGES)
        if isinstance(request.user, KeyHolder):
            self.message = request.user.lacks(permission)
        return request.user is not None and request.user.has_perm(permission)


class ApiView(APIView):
    """JSON out, times in UTC, errors as problems, and only what the caller may see."""

    authentication_classes = (KeyAuthentication, SessionAuthentication)
    permission_classes: Sequence[type[BasePermission]] = (HasPermission,)
    metadata_class = None
    # What is left of the caller's minute; None until it is known who calls.
    quota: Quota | None = None
    # What it takes to be answered at all.
    permission: ClassVar[str] = VIEW_MESSAGES

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Not in the viewer's zone, which the pages are shown in.
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count first: a request that is refused afterwards has its place in the minute, too."""
        self.quota = _spent_by(request.user)
        if self.quota and self.quota.is_spent:
            raise Throttled(self.quota.wait)
        super().initial(request, *args, **kwargs)
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            _read_away(request)
            raise LengthRequiredError

    def handle_exception(self, exc: Exception) -> Response:
        if self.quota is None and isinstance(exc, APIException):
            self.quota = strangers.take_of(self.request.META)
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


def _spent_by(user: Any) -> Quota | None:
    """None for somebody unknown, who is counted by address, and only where refused."""
    if isinstance(user, KeyHolder):
        return spend(user.key)
    return people.take(f"user {user.pk}") if user is not None else None


def _limits(quota: Quota | None) -> list[tuple[str, int]]:
    """As the IETF's draft on RateLimit header fields names them."""
    if quota is None:
        return []
    return [
        ("RateLimit-Limit", quota.limit),
        ("RateLimit-Remaining", quota.remaining),
        ("RateLimit-Reset", quota.seconds_left),
    ]


def _read_away(request: Request) -> None:
    # Only where the server marks the end: another one would let us wait for more.
    if request.META.get("wsgi.input_terminated"):
        request.META["wsgi.input"].read(_MAX_READ_AWAY)
