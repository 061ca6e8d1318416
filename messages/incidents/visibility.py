from collections.abc import Collection, Iterable

from messages.accounts.masking import as_seen_by
from messages.accounts.scope import Viewer, is_limited, limited_to, visible_instances
from messages.models import Incident, IncidentKind
from messages.models.incident import IncidentQuerySet

_AUDIT = "whatsapp.view_auditevent"


def without_other_instances(
    incidents: Iterable[Incident], visible: Collection[int] | None
) -> list[Incident]:
    """Copies for display without the names of instances that are not in `visible`.

    None means that all instances are visible. Only callbacks sent to a wrong webhook name another
    instance.
    """
    shown = list(incidents)
    for one in shown:
        names_another = visible is not None and "named" in one.values
        if names_another and one.values.get("named_pk") not in (visible or ()):
            one.values = {**one.values, "named": ""}
    return shown


def for_display(user: Viewer, incidents: Iterable[Incident]) -> list[Incident]:
    """Copies that `user` may read: without hidden numbers and other people's instances."""
    shown, visible = list(incidents), None
    if is_limited(user) and any("named" in one.values for one in shown):
        visible = set(visible_instances(user).values_list("pk", flat=True))
    return without_other_instances(as_seen_by(user, shown), visible)


def visible_incidents(user: Viewer) -> IncidentQuerySet:
    """The incidents of the user's instances. Only auditors see incidents about people."""
    found = limited_to(user, Incident.objects.select_related("instance", "acknowledged_by"))
    return found if user.has_perm(_AUDIT) else found.exclude(kind=IncidentKind.GUESSING)
