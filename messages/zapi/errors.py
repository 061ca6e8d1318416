"""The problems that a call to Z-API can have. Each message says what happened and what to do.

Z-API documents few of its errors (page "Client-Token" and the pages of the calls). The others come
from real traffic. No message quotes an answer, because one answer echoes the Client-Token.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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


@dataclass(frozen=True, slots=True)
class Problem:
    """`permanent`: the call fails in the same way until a person changes something."""

    message: Promise
    permanent: bool = False


class ZapiError(Exception):
    """A call to Z-API failed. The message is for a person, in the active language."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.message = problem.message
        self.permanent = problem.permanent


NOT_APPLIED = Problem(
    _(
        "Z-API received the call but did not apply it. Push again; if it stays so, set the URL by "
        "hand in Z-API’s panel."
    )
)
UNKNOWN_CALL = Problem(
    _(
        "Z-API does not know this call, although it answered. Check that ZAPI_BASE_URL is Z-API’s "
        "own address; if it is, Z-API has changed and the URL must be set by hand in its panel."
    ),
    permanent=True,
)
SUBSCRIPTION_ENDED = Problem(
    _(
        "The subscription of this instance has ended: Z-API sends nothing for it any more. Renew "
        "it in Z-API’s panel."
    ),
    permanent=True,
)
CLIENT_TOKEN_MISSING = Problem(
    _(
        "Z-API asks for a Client-Token and this instance has none. Copy the account security token "
        "from Z-API’s panel (Security) into the Client-Token field and push again. An expired "
        "trial is answered in the same way."
    ),
    permanent=True,
)
CLIENT_TOKEN_WRONG = Problem(
    _(
        "Z-API refused the Client-Token. Copy the account security token again from Z-API’s panel "
        "(Security): it belongs to the account, not to the instance."
    ),
    permanent=True,
)
ADDRESS_REFUSED = Problem(
    _(
        "Z-API refuses calls from this server’s IP address. Add it to the allowed addresses in "
        "Z-API’s panel (Security), or set the URL there by hand."
    ),
    permanent=True,
)
CALL_REFUSED = Problem(
    _(
        "Z-API refused the form of the call (its method or content type). Something between this "
        "server and Z-API changed it: check the proxy and ZAPI_BASE_URL."
    ),
    permanent=True,
)
WRONG_CREDENTIALS = Problem(
    _(
        "Z-API does not know this instance id and token. Copy both again from the instance’s page "
        "in Z-API’s panel; they belong together."
    ),
    permanent=True,
)
WRONG_PARTNER_TOKEN = Problem(
    _(
        "Z-API does not know this partner token. Copy it again: Z-API gives one to its partners, "
        "for all the instances of an account."
    ),
    permanent=True,
)
TOO_MANY_CALLS = Problem(_("Z-API asked for fewer calls. Wait a few minutes and push again."))
OUT_OF_ORDER = Problem(
    _("Z-API has a fault of its own at the moment. Nothing is wrong here: try again later.")
)
TOO_SLOW = Problem(_("Z-API did not answer in time. Try again; if it stays so, check the network."))
UNREACHABLE = Problem(
    _(
        "Z-API could not be reached: the connection was refused or its name was not found. Check "
        "this server’s network, its firewall and ZAPI_BASE_URL."
    )
)
NOT_TRUSTED = Problem(
    _(
        "The secure connection to Z-API failed: its certificate is not trusted here. Check this "
        "server’s clock and ZAPI_BASE_URL; where another certificate is meant to be used, set "
        "ZAPI_CA_FILE to its file."
    )
)
REDIRECTED = Problem(
    _(
        "Z-API’s address led elsewhere, and was not followed because it holds the token. Check "
        "that ZAPI_BASE_URL is Z-API’s own address, beginning with https."
    )
)
NOT_JSON = Problem(
    _(
        "A web page came back instead of Z-API’s answer: Z-API is under maintenance, or something "
        "between this server and Z-API answered for it. Try again later; check the proxy."
    )
)
TOO_LONG = Problem(
    _("The answer was far too long to be Z-API’s. Check ZAPI_BASE_URL and the proxy.")
)
UNEXPECTED = Problem(
    _(
        "Z-API gave an answer that nobody has documented. Try again; if it stays so, set the URL "
        "by hand in Z-API’s panel."
    )
)
CALL_IMPOSSIBLE = Problem(
    _(
        "The call to Z-API could not be made at all. Check ZAPI_BASE_URL, ZAPI_CA_FILE and the "
        "tokens: none may hold spaces or line breaks."
    )
)
# Z-API's answers to a call that does not exist.
NO_SUCH_CALL = (UNKNOWN_CALL, CALL_REFUSED, WRONG_CREDENTIALS)

# In characters. Z-API's own errors are one sentence, and may echo a Client-Token.
_MAX_ERROR_LENGTH = 10_000
_BY_STATUS = {
    401: WRONG_CREDENTIALS,
    404: WRONG_CREDENTIALS,
    405: CALL_REFUSED,
    408: TOO_SLOW,
    410: UNKNOWN_CALL,
    415: CALL_REFUSED,
    429: TOO_MANY_CALLS,
}
# The members of a queued message that are kept.
_QUEUED_MEMBERS = {"zaapid", "messageid", "created"}
# The first pattern that matches the member `error` decides. "null" comes before the pattern for a
# wrong Client-Token, whose echo can be any text.
_BY_TEXT = (
    (re.compile(r"client-token is not configured", re.IGNORECASE), CLIENT_TOKEN_MISSING),
    (re.compile(r"\bnull not allowed", re.IGNORECASE), CLIENT_TOKEN_MISSING),
    # With atomic groups, a text that repeats the first words is not searched again and again.
    (
        re.compile(r"\A(?>.*?client-token )(?>.*?not allowed)", re.IGNORECASE | re.DOTALL),
        CLIENT_TOKEN_WRONG,
    ),
    (re.compile(r"(?<!method )not allowed", re.IGNORECASE), ADDRESS_REFUSED),
    (re.compile(r"instance not found", re.IGNORECASE), WRONG_CREDENTIALS),
    (re.compile(r"must subscribe to this instance", re.IGNORECASE), SUBSCRIPTION_ENDED),
)


def read_answer(status: int, body: bytes, *, of_partner: bool = False) -> dict[str, Any]:
    """The JSON object of a successful answer. Raises ZapiError for any other answer."""
    data = _object(body)
    # A successful GET /status has an `error` too ("You are already connected."). So with status
    # 200 only the texts of known refusals count.
    error = (data or {}).get("error")
    problem = _problem_by_text(error) or _problem_by_status(status, error)
    if problem:
        is_partners = of_partner and problem is WRONG_CREDENTIALS
        raise ZapiError(WRONG_PARTNER_TOKEN if is_partners else problem)
    if data is None:
        raise ZapiError(NOT_JSON)
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


def _problem_by_text(error: Any) -> Problem | None:
    if not isinstance(error, str):
        return None
    return next(
        (problem for text, problem in _BY_TEXT if text.search(error[:_MAX_ERROR_LENGTH])), None
    )


def _problem_by_status(status: int, error: Any) -> Problem | None:
    if error == "NOT_FOUND" and status < 500:
        return UNKNOWN_CALL
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return REDIRECTED
    if status >= 500:
        return OUT_OF_ORDER
    return _BY_STATUS.get(status, UNEXPECTED)
