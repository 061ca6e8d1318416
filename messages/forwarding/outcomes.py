"""Decide what to do after a receiver's answer. Pure functions.

- 2xx: delivered.
- 400, 413, 415, 422: the receiver rejects this callback and would reject it again. It is marked as
  failed, and the line continues.
- Anything else (no answer, 3xx, 401, 403, 404, 408, 410, 429, 5xx): the receiver has a problem with
  all callbacks, so the whole line waits. Redirects are not followed: a person and the URL guard
  must check the new URL. 410 waits like 404, because turning forwarding off is a person's decision.
"""

from dataclasses import dataclass
from datetime import timedelta

from messages.domain.problems import Problem
from messages.models import ForwardLine
from messages.models.due import backoff
from messages.net import Answer

FIRST_WAIT = timedelta(seconds=5)
MAX_WAIT = timedelta(minutes=15)
MAX_RETRY_AFTER = ForwardLine.WAITS.longest  # the limit for Retry-After
GIVE_UP_AFTER = timedelta(hours=24)

_OF_STATUS = {
    400: Problem.REFUSES,
    401: Problem.FORBIDS,
    403: Problem.FORBIDS,
    404: Problem.NOT_THERE,
    408: Problem.TOO_SLOW,
    410: Problem.NOT_THERE,
    413: Problem.REFUSES,
    415: Problem.REFUSES,
    422: Problem.REFUSES,
    425: Problem.TOO_MANY,
    429: Problem.TOO_MANY,
    504: Problem.TOO_SLOW,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a callback was not accepted. `retry_after` is the wait that the receiver asked for."""

    problem: Problem
    status: int | None = None
    retry_after: timedelta | None = None

    @property
    def is_final(self) -> bool:
        """Whether the receiver rejected only this callback, so that a retry is useless."""
        return self.problem is Problem.REFUSES


def judge(answer: Answer) -> Refusal | None:
    """Return why the callback was not accepted, or None."""
    if 200 <= answer.status < 300:
        return None
    if 300 <= answer.status < 400:
        problem = Problem.REDIRECTS
    else:
        problem = _OF_STATUS.get(answer.status, Problem.FAULT)
    seconds = min(answer.retry_after or 0, MAX_RETRY_AFTER.total_seconds())
    return Refusal(problem, answer.status, timedelta(seconds=seconds) if seconds else None)


def wait_after(tries: int, refusal: Refusal) -> timedelta:
    """Return how long a forwarding queue waits after `tries` failures."""
    return backoff(tries, FIRST_WAIT, MAX_WAIT, jitter=0.5, at_least=refusal.retry_after)
