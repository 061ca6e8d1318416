"""What follows from a receiver's answer. Pure.

- 2xx: taken.
- 400, 413, 415, 422: the receiver is there and does not want this very callback, and would say so
  of the same bytes again. It is set aside at once, and the line moves on.
- All else (no answer, 3xx, 401, 403, 404, 408, 410, 429, 5xx): something about the receiver has to
  change first, so the whole line waits. 3xx is not followed: the new address has to be looked at by
  a person, and by the guard. 410 waits like 404, because switching forwarding off is a decision.
"""

from dataclasses import dataclass
from datetime import timedelta

from messages.models import ForwardLine, ForwardProblem
from messages.net import Answer

FIRST_WAIT = timedelta(seconds=5)
MAX_WAIT = timedelta(minutes=15)
MAX_RETRY_AFTER = ForwardLine.WAITS.longest  # however far away Retry-After is
GIVE_UP_AFTER = timedelta(hours=24)

_OF_STATUS = {
    400: ForwardProblem.REFUSES,
    401: ForwardProblem.FORBIDS,
    403: ForwardProblem.FORBIDS,
    404: ForwardProblem.NOT_THERE,
    408: ForwardProblem.TOO_SLOW,
    410: ForwardProblem.NOT_THERE,
    413: ForwardProblem.REFUSES,
    415: ForwardProblem.REFUSES,
    422: ForwardProblem.REFUSES,
    425: ForwardProblem.TOO_MANY,
    429: ForwardProblem.TOO_MANY,
    504: ForwardProblem.TOO_SLOW,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a callback was not taken. `wish` is for how long the receiver wants to be left alone."""

    problem: ForwardProblem
    status: int | None = None
    wish: timedelta | None = None

    @property
    def is_final(self) -> bool:
        """Whether it concerns this one callback, and not whatever the receiver is sent."""
        return self.problem is ForwardProblem.REFUSES


def judge(answer: Answer) -> Refusal | None:
    """None where the callback was taken."""
    if 200 <= answer.status < 300:
        return None
    if 300 <= answer.status < 400:
        problem = ForwardProblem.REDIRECTS
    else:
        problem = _OF_STATUS.get(answer.status, ForwardProblem.FAULT)
    wish = min(answer.retry_after or 0, MAX_RETRY_AFTER.total_seconds())
    return Refusal(problem, answer.status, timedelta(seconds=wish) if wish else None)


def wait_after(tries: int, refusal: Refusal, chance: float) -> timedelta:
    """How long a line waits after its `tries`-th failure in a row; `chance` is from 0 to 1.

    Twice as long each time, of which chance takes up to half: receivers that went down together
    are not called together again.
    """
    doublings = min(tries - 1, 20)
    longest = min(FIRST_WAIT * (1 << doublings), MAX_WAIT)
    return max(longest * (1 - chance / 2), refusal.wish or timedelta())
