"""Recognize the problems of a call to Z-API in its answers.

Z-API documents few of its errors (page "Client-Token" and the pages of the calls). The others come
from real traffic. No problem quotes an answer, because one answer echoes the Client-Token.
"""

import json
import re
from typing import Any, Generic, TypeVar

from messages.domain.problems import Problem, ProblemError

_T = TypeVar("_T")


class Hidden(Generic[_T]):
    """A secret whose repr() is hidden, so that an error report with local variables is safe."""

    __slots__ = ("_value",)

    def __init__(self, value: _T) -> None:
        self._value = value

    def reveal(self) -> _T:
        return self._value

    def __repr__(self) -> str:
        return "[hidden]"


class ZapiError(ProblemError):
    """A call to Z-API failed."""


# Z-API's answers to a call that does not exist.
NO_SUCH_CALL = (Problem.UNKNOWN_CALL, Problem.CALL_REFUSED, Problem.WRONG_CREDENTIALS)

# In characters. Z-API's own errors are one sentence, and may echo a Client-Token.
_MAX_ERROR_LENGTH = 10_000
_BY_STATUS = {
    401: Problem.WRONG_CREDENTIALS,
    404: Problem.WRONG_CREDENTIALS,
    405: Problem.CALL_REFUSED,
    408: Problem.ZAPI_TOO_SLOW,
    410: Problem.UNKNOWN_CALL,
    415: Problem.CALL_REFUSED,
    429: Problem.TOO_MANY_CALLS,
}
# The members of a queued message that are kept.
_QUEUED_MEMBERS = {"zaapid", "messageid", "created"}
# The first pattern that matches the member `error` decides. "null" comes first, because the pattern
# for a wrong Client-Token also matches it: Z-API echoes the token, which can be any text.
_BY_TEXT = (
    (re.compile(r"client-token is not configured", re.IGNORECASE), Problem.CLIENT_TOKEN_MISSING),
    (re.compile(r"\bnull not allowed", re.IGNORECASE), Problem.CLIENT_TOKEN_MISSING),
    # Atomic groups prevent quadratic backtracking on a text that repeats the first words.
    (
        re.compile(r"\A(?>.*?client-token )(?>.*?not allowed)", re.IGNORECASE | re.DOTALL),
        Problem.CLIENT_TOKEN_WRONG,
    ),
    (re.compile(r"(?<!method )not allowed", re.IGNORECASE), Problem.IP_REFUSED),
    (re.compile(r"instance not found", re.IGNORECASE), Problem.WRONG_CREDENTIALS),
    (re.compile(r"must subscribe to this instance", re.IGNORECASE), Problem.SUBSCRIPTION_ENDED),
)


def read_answer(status: int, body: bytes, *, of_partner: bool = False) -> dict[str, Any]:
    """The JSON object of a successful answer. Raises ZapiError for any other answer."""
    data = _object(body)
    # A successful GET /status has an `error` too ("You are already connected."). So with status
    # 200 only the texts of known refusals count.
    error = (data or {}).get("error")
    problem = _problem(status, error)
    if problem:
        is_partners = of_partner and problem is Problem.WRONG_CREDENTIALS
        raise ZapiError(Problem.WRONG_PARTNER_TOKEN if is_partners else problem)
    if data is None:
        raise ZapiError(Problem.ZAPI_NOT_JSON)
    return data


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body, object_hook=_without_secrets)
    except (ValueError, RecursionError):
        return None
    if isinstance(data, list) and len(data) == 1:  # GET /phone-exists
        data = data[0]
    return data if isinstance(data, dict) else None


def _without_secrets(member: dict[str, Any]) -> dict[str, Any]:
    """Drop the text and number of queued messages, and hide tokens."""
    if not {"zaapid", "messageid"}.isdisjoint(map(str.lower, member)):
        return {name: member[name] for name in member if name.lower() in _QUEUED_MEMBERS}
    if token := member.get("token"):
        member["token"] = Hidden(str(token))
    return member


def _problem(status: int, error: Any) -> Problem | None:
    """What the member `error` says counts before the status."""
    text = error[:_MAX_ERROR_LENGTH] if isinstance(error, str) else ""
    if found := next((problem for known, problem in _BY_TEXT if known.search(text)), None):
        return found
    if error == "NOT_FOUND" and status < 500:
        return Problem.UNKNOWN_CALL
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Problem.ZAPI_REDIRECTS
    if status >= 500:
        return Problem.ZAPI_FAULT
    return _BY_STATUS.get(status, Problem.ZAPI_UNEXPECTED)
