"""What the worker takes up at once: some follow-ups, and what their callbacks report, read once."""

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

Told = tuple[Callback, StatusReport]


@dataclass(frozen=True)
class CallbackBatch:
    """`follow_ups` come oldest first."""

    follow_ups: Sequence[FollowUp]

    @cached_property
    def reports(self) -> list[Told]:
        """Of all whose bodies are there and can be understood, those in quarantine among them."""
        return list(self._read())

    @property
    def applied(self) -> list[Told]:
        """Of those that made messages, or said again what had made them."""
        outcomes = {Outcome.APPLIED, Outcome.REPEATED}
        return [told for told in self.reports if told[0].outcome in outcomes]

    def _read(self) -> Iterator[Told]:
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
