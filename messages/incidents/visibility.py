from collections.abc import Collection, Iterable

from messages.accounts.masking import as_seen_by
from messages.accounts.scope import Viewer, is_limited, limited_to, visible_instances
from messages.models import Incident, IncidentKind
from messages.models.incident import IncidentQuerySet

_AUDIT = "whatsapp.view_auditevent"


def without_others(
    incidents: Iterable[Incident], visible: Collection[int] | None
) -> list[Incident]:
    """The incidents without names of instances that are not `visible`: to be shown, not saved.

    None stands for all instances. Only callbacks that came to a wrong webhook name another one.
    """
    shown = list(incidents)
    for one in shown:
        names_another = visible is not None and "named" in one.values
        if names_another and one.values.get("named_pk") not in (visible or ()):
            one.values = {**one.values, "named": ""}
    return shown


def as_shown_to(user: Viewer, incidents: Iterable[Incident]) -> list[Incident]:
    """As `user` may read them: without hidden numbers, or instances beyond their limits."""
    shown, visible = list(incidents), None
    if is_limited(user) and any("named" in one.values for one in shown):
        visible = set(visible_instances(user).values_list("pk", flat=True))
    return without_others(as_seen_by(user, shown), visible)


def incidents_for(user: Viewer) -> IncidentQuerySet:
    """Those that `user` may see: of their own instances, and people's doings for admins alone."""
    found = limited_to(user, Incident.objects.select_related("instance", "acknowledged_by"))
    return found if user.has_perm(_AUDIT) else found.exclude(kind=IncidentKind.GUESSING)
