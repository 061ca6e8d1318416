"""A batch of follow-ups for the worker, with the parsed reports of their callbacks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from messages.models import Callback, FollowUp, Outcome
from messages.zapi.payloads import (
    TYPES_WITHOUT_STATUS,
    MalformedCallbackError,
    StatusReport,
    parse,
)

ReportedCallback = tuple[Callback, StatusReport]


@dataclass(frozen=True)
class CallbackBatch:
    """`follow_ups` must be ordered, oldest first."""

    follow_ups: Sequence[FollowUp]

    @cached_property
    def reports(self) -> list[ReportedCallback]:
        """The status reports of all callbacks that have a body and parse, even quarantined ones."""
        return list(self._read())

    @property
    def applied(self) -> list[ReportedCallback]:
        """The reports that changed messages or repeated a known event."""
        outcomes = {Outcome.APPLIED, Outcome.REPEATED}
        return [reported for reported in self.reports if reported[0].outcome in outcomes]

    def _read(self) -> Iterator[ReportedCallback]:
        may_report = [
            one.callback_id for one in self.follow_ups if one.type not in TYPES_WITHOUT_STATUS
        ]
        if not may_report:
            return
        for callback in Callback.objects.filter(pk__in=may_report).kept():
            try:
                report = parse(bytes(callback.body)).report
            except MalformedCallbackError:
                continue
            if isinstance(report, StatusReport):
                yield callback, report
