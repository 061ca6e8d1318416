"""Limit what a person or key sees to some accounts and instances.

Every page, export and API answer with data of an instance uses one of these functions.
"""

from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet

from messages.models import ApiKeyLimit, Instance, InstanceQuerySet, Tag, UserLimit

from .api_keys import KeyHolder

Viewer = User | AnonymousUser | KeyHolder
_Rows = TypeVar("_Rows", bound=QuerySet[Any])


def visible_instances(user: Viewer) -> InstanceQuerySet:
    """Return the instances that `user` may see, including archived ones."""
    return limited_to(user, Instance.objects.all(), path="")


def visible_tags(user: Viewer) -> QuerySet[Tag]:
    """Return the tags of the instances that `user` may see."""
    used = Tag.objects.filter(instances__isnull=False)
    return limited_to(user, used, path="instances").distinct()


def limited_to(user: Viewer, rows: _Rows, path: str = "instance") -> _Rows:
    """Remove the rows of instances that `user` may not see.

    `path` is the lookup from a row to its instance; "" if the rows are instances. The query of a
    person without limits is not changed.
    """
    limits = _limits_of(user)
    if not limits:
        return rows
    prefix = f"{path}__" if path else ""
    wanted: dict[str, Any] = {
        f"{prefix}account__in": [limit.account_id for limit in limits if limit.account_id],
        f"{prefix}pk__in": [limit.instance_id for limit in limits if limit.instance_id],
    }
    return rows.filter(Q(*wanted.items(), _connector=Q.OR))


def is_limited(user: Viewer) -> bool:
    return bool(_limits_of(user))


def _limits_of(user: Viewer) -> list[UserLimit] | list[ApiKeyLimit]:
    """Return the limits, cached on the `user` object of the request."""
    if isinstance(user, KeyHolder):
        return user.limits
    if not user.is_authenticated or user.is_superuser:
        return []
    found: list[UserLimit] | None = getattr(user, "_statusboard_limits", None)
    if found is None:
        found = list(UserLimit.objects.filter(user=user))
        user._statusboard_limits = found  # type: ignore[attr-defined]
    return found
