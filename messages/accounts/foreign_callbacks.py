"""Hide callbacks whose body names an instance that the person may not see."""

from collections.abc import Iterable

from django.utils.translation import gettext_noop

from messages.models import Callback
from messages.models.cause import NAMES_ANOTHER

from .scope import Viewer, is_limited, visible_instances

_ANOTHER = gettext_noop("It names another instance.")


def hide_foreign(user: Viewer, callbacks: Iterable[Callback]) -> None:
    """Remove the body of callbacks about an instance that `user` may not see. Do not save them.

    `is_foreign` is set on these callbacks.
    """
    if not is_limited(user):
        return
    found = [one for one in callbacks if one.cause.startswith(NAMES_ANOTHER)]
    if not found:
        return
    visible = set(visible_instances(user).values_list("zapi_id", flat=True))
    for one in found:
        if one.cause.split("\n")[-1] not in visible:
            one.cause, one.is_foreign = _ANOTHER, True
