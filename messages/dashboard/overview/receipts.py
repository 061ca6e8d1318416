"""Instances whose read receipts are off: nobody knows how many of their messages were read."""

from collections.abc import Mapping
from dataclasses import dataclass

from messages.models import Instance
from messages.summaries import Cohort, Counts

from .funnel import number, percent
from .parameters import Question


@dataclass(frozen=True, slots=True)
class ReceiptsOff:
    """`share_of_others` is the share read among the messages of the other instances."""

    instances: tuple[Instance, ...]
    messages: str
    share_of_others: str
    is_all: bool

    @property
    def names(self) -> str:
        return ", ".join(one.name for one in self.instances)


def are_reads_known(question: Question, instance: Instance, counts: Counts) -> bool:
    """Whether the messages of this instance that were not reported as read may count as unread."""
    since = instance.receipts_off_since
    is_off = since is not None and since < question.until and question.groups is not True
    return bool(counts.read) or not is_off


def receipts_off(
    question: Question, cohort: Cohort, instances: Mapping[int, Instance]
) -> ReceiptsOff | None:
    """None if no instance is concerned. Groups report reads even then."""
    if question.groups is True:
        return None
    found = {
        one.instance_id: instance
        for one in cohort.instances
        if (instance := instances.get(one.instance_id))
        and (since := instance.receipts_off_since)
        and since < question.until
        and one.counts.delivered
    }
    if not found:
        return None
    off = [one.counts for one in cohort.instances if one.instance_id in found]
    others = Counts.total(one.counts for one in cohort.instances if one.instance_id not in found)
    return ReceiptsOff(
        tuple(found.values()),
        number(sum(counts.messages for counts in off)),
        percent(others.read, others.messages),
        is_all=not cohort.counts.read and not others.delivered,
    )
