from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db.models import Max

from messages.incidents.findings import Finding, Watch
from messages.incidents.stuck_messages import Lately, are_still_stuck, lately
from messages.models import Incident, IncidentKind, Instance


def stuck_messages(watch: Watch) -> Iterator[Finding]:
    found, reconnected = lately(watch.instances, watch.now), _reconnected(watch)
    for instance in watch.instances:
        if incident := watch.opened(IncidentKind.STUCK, instance):
            is_found = are_still_stuck(instance, incident.opened_at, watch.now)
        else:
            is_new = found.get(instance.pk, Lately()).is_incident
            is_found = is_new and not _is_catching_up(instance, reconnected, watch)
        if is_found:
            yield Finding(IncidentKind.STUCK, instance)


def _reconnected(watch: Watch) -> Mapping[int | None, datetime]:
    """When each instance's latest disconnection that people were told of was over."""
    longest = max((instance.stuck_after for instance in watch.instances), default=0)
    since = watch.now - timedelta(minutes=longest)
    over = Incident.objects.filter(kind=IncidentKind.DISCONNECTED, resolved_at__gt=since)
    return dict(over.order_by().values_list("instance").annotate(latest=Max("resolved_at")))


def _is_catching_up(
    instance: Instance, reconnected: Mapping[int | None, datetime], watch: Watch
) -> bool:
    """What waited while it was disconnected is only now being delivered."""
    since = watch.now - timedelta(minutes=instance.stuck_after)
    return instance.pk in reconnected and reconnected[instance.pk] > since
