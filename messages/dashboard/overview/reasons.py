"""The failure reasons, most frequent first."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from messages.dashboard.messages.filter_links import reason_label
from messages.domain.failures import FAILURES, Failure

from .display import REASONS
from .funnel import number, percent
from .parameters import Question

REASONS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How many messages failed for a reason, and their share of all that failed."""

    code: str
    count: str
    share: str
    width: str
    url: str

    @property
    def label(self) -> str:
        return reason_label(self.code)

    @property
    def failure(self) -> Failure | None:
        return FAILURES.get(self.code)


@dataclass(frozen=True, slots=True)
class Reasons:
    """`all_url` shows the rows that are left out; "" if there are none."""

    rows: list[ReasonRow]
    total: str
    total_url: str
    all_url: str


def reasons(question: Question, counts: Counter[str]) -> Reasons:
    total, most = counts.total(), max([1, *counts.values()])
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    shown = ranked if question.display.shows_all(REASONS) else ranked[:REASONS_SHOWN]
    rows = [
        ReasonRow(
            code,
            number(count),
            percent(count, total),
            f"{100 * count / most:.1f}%",
            question.list_url(("reason", code)),
        )
        for code, count in shown
    ]
    all_url = question.display_url("reasons", full=question.display.with_all(REASONS))
    return Reasons(
        rows,
        number(total),
        question.list_url(("status", "failed")),
        all_url if len(shown) < len(ranked) else "",
    )
