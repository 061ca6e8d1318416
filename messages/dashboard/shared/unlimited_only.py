from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from messages.accounts.scope import is_limited

View = Callable[..., HttpResponseBase]


def unlimited_only(permission: str) -> Callable[[View], View]:
    """For what concerns every account at once: not for who is limited to some of them."""

    def decorate(view: View) -> View:
        @wraps(view)
        @permission_required(permission, raise_exception=True)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if is_limited(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate
