"""Hide callbacks whose body names an instance that the person may not see."""

from collections.abc import Iterable

from messages.domain.causes import Cause
from messages.models import Callback

from .scope import Viewer, is_limited, visible_instances


def hide_foreign(user: Viewer, callbacks: Iterable[Callback]) -> None:
    """Remove the body of callbacks about an instance that `user` may not see. Do not save them.

    `is_foreign` is set on these callbacks.
    """
    if not is_limited(user):
        return
    found = [one for one in callbacks if one.cause == Cause.OTHER_INSTANCE]
    if not found:
        return
    visible = set(visible_instances(user).values_list("zapi_id", flat=True))
    for one in found:
        if not visible.intersection((one.cause_values or [])[-1:]):
            one.cause, one.cause_values, one.is_foreign = Cause.HIDDEN_INSTANCE, None, True
