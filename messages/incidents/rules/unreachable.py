from collections.abc import Iterator
from typing import Final

from messages.domain.problems import is_permanent
from messages.incidents.findings import Finding, Snapshot, affects_most
from messages.models import IncidentKind, WebhookState

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
        wanted = [webhook for webhook in instance.webhooks.all() if webhook.is_wanted]
        failing = [one for one in wanted if one.state == WebhookState.UNREACHABLE]
        # A push may have reached Z-API since the last of these checks.
        is_failing = instance.failed_checks >= _MIN_FAILED_CHECKS and (failing or not wanted)
        if is_failing or any(is_permanent(one.problem) for one in failing):
            problems = (one.problem_as_values for one in failing if one.problem)
            yield Finding(IncidentKind.UNREACHABLE, instance, values=next(problems, {}))
