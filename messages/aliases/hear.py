"""What each status callback says of people, heard by the worker."""

from messages.heard import Heard
from messages.models import KnownAddress

from .tie import tie_addresses


def hear(heard: Heard) -> None:
    told = heard.applied
    KnownAddress.objects.remember(report.phone for _, report in told)
    tie_addresses(
        (callback.instance_id, zapi_id)
        for callback, report in told
        for zapi_id in report.message_ids
    )
