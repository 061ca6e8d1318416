from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Snapshot
from messages.models import Forward, ForwardLine, IncidentKind

# A receiver that restarts is back by then.
_GRACE: Final = timedelta(minutes=5)


def forwarding(snapshot: Snapshot) -> Iterator[Finding]:
    failing = (
        ForwardLine.objects.filter(failing_since__lte=snapshot.now - _GRACE)
        .exclude(webhook__forward_to="")
        .order_by("failing_since")
        .values_list("webhook__instance", "problem")
    )
    # If several webhooks of an instance fail, the problem of the one that has failed longest.
    problems = dict(reversed(failing))
    given_up = set(
        Forward.objects.given_up().order_by().values_list("webhook__instance", flat=True).distinct()
    )
    for instance in snapshot.instances:
        if instance.pk in problems or instance.pk in given_up:
            values = {
                "problem": problems.get(instance.pk, ""),
                "given_up": instance.pk in given_up,
            }
            yield Finding(IncidentKind.FORWARDING, instance, values=values)
