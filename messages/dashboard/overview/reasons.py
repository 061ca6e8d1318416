"""The failure reasons, most frequent first."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from messages.dashboard.messages.filter_links import reason_label
from messages.domain.failures import FAILURES, Failure, count_alike
from messages.domain.failures import REASONS as ZAPI_TEXTS

from .display import REASONS
from .funnel import number, percent
from .parameters import Question

REASONS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class ZapiText:
    """How many messages failed with this text of Z-API."""

    text: str
    count: str
    url: str


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How many messages failed for a reason, and their share of all that failed.

    `texts` is empty if all of them failed with the same text of Z-API.
    """

    code: str
    count: str
    share: str
    width: str
    url: str
    texts: list[ZapiText]

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
    by_reason = count_alike(counts)
    total, most = counts.total(), max([1, *by_reason.values()])
    ranked = sorted(by_reason.items(), key=lambda one: (-one[1], one[0]))
    shown = ranked if question.display.shows_all(REASONS) else ranked[:REASONS_SHOWN]
    rows = [
        ReasonRow(
            codes[0],
            number(count),
            percent(count, total),
            f"{100 * count / most:.1f}%",
            question.list_url(*(("reason", code) for code in codes)),
            _texts(question, counts, codes),
        )
        for codes, count in shown
    ]
    all_url = question.display_url("reasons", full=question.display.with_all(REASONS))
    return Reasons(
        rows,
        number(total),
        question.list_url(("status", "failed")),
        all_url if len(shown) < len(ranked) else "",
    )


def _texts(question: Question, counts: Counter[str], codes: tuple[str, ...]) -> list[ZapiText]:
    found = sorted((code for code in codes if counts[code]), key=lambda code: -counts[code])
    if len(found) < 2:
        return []
    return [
        ZapiText(ZAPI_TEXTS[code], number(counts[code]), question.list_url(("reason", code)))
        for code in found
    ]
