"""Decide what to do after a receiver's answer. Pure functions.

- 2xx: delivered.
- 400, 413, 415, 422: the receiver rejects this callback and would reject it again. It is marked as
  failed, and the line continues.
- Anything else (no answer, 3xx, 401, 403, 404, 408, 410, 429, 5xx): the receiver has to change, so
  the whole line waits. Redirects are not followed: a person and the URL guard must check the new
  URL. 410 waits like 404, because turning forwarding off is a person's decision.
"""

from dataclasses import dataclass
from datetime import timedelta

from messages.models import ForwardLine, ForwardProblem
from messages.models.due import backoff
from messages.net import Answer

FIRST_WAIT = timedelta(seconds=5)
MAX_WAIT = timedelta(minutes=15)
MAX_RETRY_AFTER = ForwardLine.WAITS.longest  # the limit for Retry-After
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
    """Why a callback was not accepted. `retry_after` is the wait that the receiver asked for."""

    problem: ForwardProblem
    status: int | None = None
    retry_after: timedelta | None = None

    @property
    def is_final(self) -> bool:
        """Whether the receiver rejected only this callback, so that a retry is useless."""
        return self.problem is ForwardProblem.REFUSES


def judge(answer: Answer) -> Refusal | None:
    """Return why the callback was not accepted, or None."""
    if 200 <= answer.status < 300:
        return None
    if 300 <= answer.status < 400:
        problem = ForwardProblem.REDIRECTS
    else:
        problem = _OF_STATUS.get(answer.status, ForwardProblem.FAULT)
    seconds = min(answer.retry_after or 0, MAX_RETRY_AFTER.total_seconds())
    return Refusal(problem, answer.status, timedelta(seconds=seconds) if seconds else None)


def wait_after(tries: int, refusal: Refusal) -> timedelta:
    """Return how long a line waits after `tries` failures."""
    return backoff(tries, FIRST_WAIT, MAX_WAIT, jitter=0.5, at_least=refusal.retry_after)
