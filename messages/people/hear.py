"""What each status callback says of people, heard by the worker."""

from collections.abc import Iterator, Sequence

from messages.models import Callback, FollowUp, KnownAddress, Outcome
from messages.zapi.payloads import STATUS_TYPES, MalformedCallbackError, StatusReport, parse

from .tie import tie_addresses


def hear(follow_ups: Sequence[FollowUp]) -> None:
    reports = list(_reports(follow_ups))
    KnownAddress.objects.remember(report.phone for _, report in reports)
    tie_addresses((pk, zapi_id) for pk, report in reports for zapi_id in report.message_ids)


def _reports(follow_ups: Sequence[FollowUp]) -> Iterator[tuple[int, StatusReport]]:
    """Each with its instance; none of what was purged, or is in quarantine and made no message."""
    heard = [one.callback_id for one in follow_ups if one.type in STATUS_TYPES]
    if not heard:
        return
    understood = Callback.objects.filter(outcome__in=(Outcome.APPLIED, Outcome.REPEATED))
    bodies = understood.filter(pk__in=heard).values_list("instance_id", "body")
    for instance, body in bodies:
        try:
            report = parse(bytes(body)).report
        except MalformedCallbackError:
            continue
        if isinstance(report, StatusReport):
            yield instance, report
