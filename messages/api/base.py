"""What all answers of the API have in common."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from messages.access.api_keys import KeyHolder, Quota, spend

from .authentication import KeyAuthentication
from .problems import problem_response

VIEW_MESSAGES = "whatsapp.view_message"


class HasPermission(BasePermission):
    """The one that the view names, by the role of the key or of the person."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        permission = getattr(view, "permission", VIEW_MESSAGES)
        return request.user is not None and request.user.has_perm(permission)


class KeyThrottle(BaseThrottle):
    """So many requests a minute for each key; a person who tries the API out is not counted."""

    quota: Quota | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, KeyHolder):
            return True
        self.quota = request.quota = spend(request.user.key)
        return not self.quota.is_spent

    def wait(self) -> float | None:
        return self.quota.seconds_left if self.quota else None


class ApiView(APIView):
    """JSON out, times in UTC, errors as problems, and only what the caller may see."""

    authentication_classes = (KeyAuthentication, SessionAuthentication)
    permission_classes: Sequence[type[BasePermission]] = (HasPermission,)
    throttle_classes = (KeyThrottle,)
    metadata_class = None
    # What it takes to be answered at all.
    permission: ClassVar[str] = VIEW_MESSAGES

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Not in the viewer's zone, which the pages are shown in.
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return problem_response

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, number in _limits(getattr(request, "quota", None)):
            answer.headers[name] = str(number)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def _limits(quota: Quota | None) -> list[tuple[str, int]]:
    """As the IETF's draft on RateLimit header fields names them."""
    if quota is None:
        return []
    return [
        ("RateLimit-Limit", quota.limit),
        ("RateLimit-Remaining", quota.remaining),
        ("RateLimit-Reset", quota.seconds_left),
    ]
