"""Learns from callbacks which addresses belong to the same person. Run by the worker."""

from collections.abc import Iterable

from messages.ingest.callback_batch import CallbackBatch
from messages.models import Alias, FollowUp, KnownAddress

from .linking import tie_addresses


def hear(heard: CallbackBatch) -> None:
    told = heard.applied
    KnownAddress.objects.remember(report.phone for _, report in told)
    tie_addresses(
        (callback.instance_id, zapi_id)
        for callback, report in told
        for zapi_id in report.message_ids
    )
    _learn(heard.follow_ups)


def _learn(follow_ups: Iterable[FollowUp]) -> None:
    """Store which number each LID in these inbound messages belongs to. Most pairs are known."""
    told = {(one.instance_id, one.lid, one.number) for one in follow_ups if one.lid and one.number}
    if not told:
        return
    seen = Alias.objects.filter(lid__in={lid for _instance, lid, _number in told})
    new = sorted(told.difference(seen.values_list("instance", "lid", "number")))
    Alias.objects.bulk_create(
        [Alias(instance_id=instance, lid=lid, number=number) for instance, lid, number in new],
        ignore_conflicts=True,
    )
