from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from messages.incidents.findings import Finding, Watch
from messages.models import Forward, ForwardLine, IncidentKind

# A receiver that is restarted is back by then.
_GRACE: Final = timedelta(minutes=5)


def forwarding(watch: Watch) -> Iterator[Finding]:
    failing = (
        ForwardLine.objects.filter(failing_since__lte=watch.now - _GRACE)
        .exclude(webhook__forward_to="")
        .order_by("failing_since")
        .values_list("webhook__instance", "problem")
    )
    problems = dict(reversed(failing))  # of several lines, the one that fails longest
    given_up = set(
        Forward.objects.given_up().order_by().values_list("webhook__instance", flat=True).distinct()
    )
    for instance in watch.instances:
        if instance.pk in problems or instance.pk in given_up:
            values = {
                "problem": problems.get(instance.pk, ""),
                "given_up": instance.pk in given_up,
            }
            yield Finding(IncidentKind.FORWARDING, instance, values=values)
