from collections.abc import Iterator
from typing import Final

from messages.incidents.findings import Finding, Snapshot, affects_most
from messages.instances.permanent import is_permanent
from messages.models import IncidentKind, Instance, WebhookState

# A fault at Z-API is often over by the next try.
_MIN_FAILED_CHECKS: Final = 3


def unreachable(snapshot: Snapshot) -> Iterator[Finding]:
    """Z-API cannot be asked whether the instance is connected and which URLs it calls."""
    found = list(_each(snapshot))
    yield from found
    if affects_most(len(found), snapshot.instances):
        values = {"count": len(found), "of": len(snapshot.instances), **found[0].values}
        yield Finding(IncidentKind.UNREACHABLE, values=values)


def _each(snapshot: Snapshot) -> Iterator[Finding]:
    for instance in snapshot.instances:
        problem = _problem(instance)
        if problem is not None:
            yield Finding(IncidentKind.UNREACHABLE, instance, values={"problem": problem})


def _problem(instance: Instance) -> str | None:
    """The problem in English, '' if it has no text; None if there is no problem to report."""
    wanted = [webhook for webhook in instance.webhooks.all() if webhook.is_wanted]
    problems = [one.problem for one in wanted if one.state == WebhookState.UNREACHABLE]
    # A push may have reached Z-API since the last of these checks.
    is_failing = instance.failed_checks >= _MIN_FAILED_CHECKS and (problems or not wanted)
    if is_failing or any(map(is_permanent, problems)):
        return next(filter(None, problems), "")
    return None
