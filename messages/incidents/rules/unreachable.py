from collections.abc import Iterator
from typing import Final

from messages.incidents.findings import Finding, Watch, is_most
from messages.instances.permanent import is_permanent
from messages.models import IncidentKind, Instance, WebhookState

# A fault at Z-API is often over by the next try.
_TRIES: Final = 3


def unreachable(watch: Watch) -> Iterator[Finding]:
    """Z-API says nothing of it any more: whether it is connected, and whom its webhooks call."""
    found = list(_each(watch))
    yield from found
    if is_most(len(found), watch.instances):
        values = {"count": len(found), "of": len(watch.instances), **found[0].values}
        yield Finding(IncidentKind.UNREACHABLE, values=values)


def _each(watch: Watch) -> Iterator[Finding]:
    for instance in watch.instances:
        problem = _problem(instance)
        if problem is not None:
            yield Finding(IncidentKind.UNREACHABLE, instance, values={"problem": problem})


def _problem(instance: Instance) -> str | None:
    """In the source's words, '' where there are none; None where there is no problem to tell."""
    wanted = [webhook for webhook in instance.webhooks.all() if webhook.is_wanted]
    problems = [one.problem for one in wanted if one.state == WebhookState.UNREACHABLE]
    # A push may have reached Z-API since the last of these tries.
    is_failing = instance.failed_checks >= _TRIES and (problems or not wanted)
    if is_failing or any(map(is_permanent, problems)):
        return next(filter(None, problems), "")
    return None
