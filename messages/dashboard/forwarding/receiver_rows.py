"""The state of a forwarding line, as the pages show it."""

from dataclasses import dataclass

from messages.dashboard.shared.moments import Moment, moment
from messages.domain.problems import Problem
from messages.forwarding import Forwarding
from messages.models import Webhook


@dataclass(frozen=True, slots=True)
class Line:
    state: Forwarding

    @property
    def webhook(self) -> Webhook:
        return self.state.webhook

    @property
    def oldest(self) -> Moment | None:
        return moment(self.state.oldest)

    @property
    def problem(self) -> str:
        """Why the last delivery failed, or ''."""
        line = self.state.line
        if not line or not line.problem:
            return ""
        words = Problem.text(line.problem)
        return f"{words} (HTTP {line.status})" if line.status else words

    @property
    def is_wrong(self) -> bool:
        return bool(self.problem or self.state.given_up)

    @property
    def next_try(self) -> Moment | None:
        """The time of the next try after a failure."""
        line = self.state.line
        return Moment(line.next_try_at) if line and line.problem and self.state.waiting else None
