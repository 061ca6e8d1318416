from collections.abc import Iterator

from messages.models import IncidentKind, Rhythm

from ..finding import Finding, Watch
from ..rhythm import Pace


def silent(watch: Watch) -> Iterator[Finding]:
    """Nothing comes for longer than is its habit. That it is disconnected explains it."""
    rhythms = {rhythm.instance_id: rhythm for rhythm in Rhythm.objects.all()}
    for instance in watch.instances:
        rhythm, heard = rhythms.get(instance.pk), instance.last_heard_at
        if rhythm is None or heard is None or not rhythm.hours:
            continue
        pace = Pace(tuple(rhythm.hours), rhythm.longest)
        if pace.is_unusual(
            heard, watch.now, factor=instance.silence_factor, floor=60 * instance.silence_floor
        ):
            values = {
                "heard": heard.isoformat(),
                "silence": int((watch.now - heard).total_seconds()),
                "usual": int(pace.usual(watch.now)),
            }
            yield Finding(IncidentKind.SILENT, instance, values=values)
