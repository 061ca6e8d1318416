"""The client of Z-API. Only this module uses `requests` and sees tokens in clear text."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from string import digits
from typing import Any, TypeVar
from urllib.parse import quote

import requests
from django.conf import settings

from messages.domain.problems import Problem
from statusboard import page_network
from statusboard.redaction import redact_beginning

from .errors import NO_SUCH_CALL, Hidden, ZapiError, read_answer
from .times import moment_of
from .webhook_kinds import call_of, has_call, kind_of

__all__ = ["ConnectionStatus", "Me", "PhoneExists", "ZapiClient", "ZapiError", "probe"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5
READ_TIMEOUT = 15
# The `timeout` of requests is per read. This one also stops an answer that arrives byte by byte.
WHOLE_TIMEOUT = 30
PAGE_SIZE = 100
# Z-API queues up to 1,000 messages, and returns at most 30 in a page. More pages are not read.
QUEUE_PAGE_SIZE = 30
MAX_QUEUE_PAGES = 34
MAX_QUEUED = QUEUE_PAGE_SIZE * MAX_QUEUE_PAGES
_MAX_ID_LENGTH = 128
# In bytes. A list of 100 instances takes about 200,000, and 30 queued messages up to 750,000.
MAX_ANSWER = 900_000
# A limit against endless paging. No real list of instances has as many pages.
MAX_PAGES = 1000
MAX_PAYMENT_STATUS = 40
MAX_REASON = 300
_Result = TypeVar("_Result")
_Headers = Hidden[Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """Whether a number is connected. None means that Z-API does not say.

    `error` may also be set if the number is connected ("You are already connected").
    `smartphone`: whether the phone itself is reachable.
    """

    connected: bool | None
    error: str = ""
    smartphone: bool | None = None


@dataclass(frozen=True, slots=True)
class Me:
    """The data from `GET /me`, or from an entry of a partner's list, without the token.

    A partner's list has fewer members. A member that is missing is unknown, not empty.
    """

    connected: bool | None
    # By kind of webhook, including unknown kinds. See messages.zapi.webhook_kinds.
    webhook_urls: Mapping[str, str]
    due_at: datetime | None = None
    # Whether the answer contains `due`. If `due` is present but empty, the subscription never ends.
    names_due: bool = False
    # '' if unknown.
    payment_status: str = ""
    # The types of callbacks that `update-filters` turns off. None if unknown.
    filters: tuple[str, ...] | None = None
    # Whether Z-API reports messages that the number itself sends. None if unknown.
    sent_by_me: bool | None = None
    smartphone: bool | None = None
    # Whether Z-API marks inbound messages as read by itself. None if unknown.
    auto_read: bool | None = None

    @property
    def connection(self) -> ConnectionStatus:
        return ConnectionStatus(self.connected, smartphone=self.smartphone)

    def webhook_url(self, kind: str) -> str:
        """The URL that Z-API calls for this kind, or '' if there is none or it is unknown."""
        return self.webhook_urls.get(kind, "")


@dataclass(frozen=True, slots=True)
class ListedInstance:
    """An entry of a partner's list: the facts of /me, and what an import needs."""

    zapi_id: str
    token: str = field(repr=False)
    name: str
    me: Me


@dataclass(frozen=True, slots=True)
class PhoneExists:
    """The answer of `GET /phone-exists`: the number as WhatsApp has it, and its LID or ''."""

    exists: bool
    phone: str
    lid: str


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message in Z-API's queue: its ids, none if it has none, and since when it waits."""

    ids: frozenset[str]
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """The number of messages queued at Z-API. `is_minimum`: there may be more.

    `messages` are in the order of the answer. They are empty if Z-API only counted them.
    """

    count: int
    is_minimum: bool = False
    messages: tuple[QueuedMessage, ...] = ()


class ZapiClient:
    """The calls for one instance. Each may raise ZapiError, whose text contains no secret."""

    def __init__(self, zapi_id: str, token: str, client_token: str = "") -> None:
        self._zapi_id = zapi_id
        path = f"/instances/{quote(zapi_id, safe='')}/token/{quote(token, safe='')}"
        self._base = Hidden(settings.ZAPI_BASE_URL + path)
        # As bytes. For a text outside Latin-1, requests raises an exception that shows it.
        headers = {"Client-Token": client_token.encode()} if client_token else {}
        self._headers: _Headers = Hidden(headers)

    def set_webhook(self, kind: str, url: str) -> None:
        """`PUT /update-webhook-<kind>`. Z-API answers {"value": false} if it did not apply it."""
        self._put(call_of(kind), {"value": url}, may_not_exist=not has_call(kind))

    def set_every_webhook(self, url: str, *, sent_by_me: bool) -> None:
        """`PUT /update-every-webhooks`: replaces the URLs of all webhooks."""
        self._put("update-every-webhooks", {"value": url, "notifySentByMe": sent_by_me})

    def notify_sent_by_me(self, value: bool) -> None:
        """`PUT /update-notify-sent-by-me`: sets only this option."""
        self._put("update-notify-sent-by-me", {"notifySentByMe": value})

    def me(self) -> Me:
        me = _me(self._call("GET", "me"))
        if not me.webhook_urls:
            raise ZapiError(Problem.ZAPI_UNEXPECTED)
        return me

    def status(self) -> ConnectionStatus:
        answer = self._call("GET", "status")
        if not isinstance(answer.get("connected"), bool):
            raise ZapiError(Problem.ZAPI_UNEXPECTED)
        return ConnectionStatus(
            connected=answer["connected"],
            error=redact_beginning(_text(answer.get("error")).strip(), MAX_REASON),
            smartphone=_bool(answer.get("smartphoneConnected")),
        )

    def phone_exists(self, phone: str) -> PhoneExists:
        answer = self._call("GET", f"phone-exists/{quote(phone, safe='')}")
        if answer.get("exists") not in (True, False, "true", "false"):
            raise ZapiError(Problem.ZAPI_UNEXPECTED)
        lid = str(answer.get("lid") or "")
        return PhoneExists(
            exists=answer["exists"] in (True, "true"),
            phone=str(answer.get("phone") or ""),
            lid=lid if lid.endswith("@lid") else "",
        )

    def queue(self) -> Queue:
        """Count with `GET /queue/count`. If Z-API has removed it, count the pages of the queue."""
        try:
            count = self._call("GET", "queue/count", may_not_exist=True).get("count")
        except ZapiError as error:
            if error.problem not in NO_SUCH_CALL:
                raise
            count = None
        return Queue(count) if isinstance(count, int) else self.read_queue()

    def read_queue(self) -> Queue:
        """Read the pages of `POST /queue`. If a later page fails, the queue is read in part."""
        states: list[Any] = []
        found: list[QueuedMessage] = []
        state, until = None, time.monotonic() + WHOLE_TIMEOUT
        while len(states) < MAX_QUEUE_PAGES and len(found) < MAX_QUEUED:
            body = {"pageSize": QUEUE_PAGE_SIZE} | ({"pagingState": state} if state else {})
            try:
                page = self._call("POST", "queue", body)
                messages = page.get("messages")
                if not isinstance(messages, list):
                    raise ZapiError(Problem.ZAPI_UNEXPECTED)
            except ZapiError:
                if not states:
                    raise
                break
            found += map(_queued, messages[:MAX_QUEUED])
            states.append(state)
            state = page.get("pagingState")
            if not page.get("hasMore", state) and len(messages) <= MAX_QUEUED:
                return Queue(len(found), messages=tuple(found))
            # A repeated state would read the same pages again.
            if not state or state in states or time.monotonic() > until:
                break
        return Queue(len(found), is_minimum=True, messages=tuple(found))

    def _put(self, name: str, body: Any, *, may_not_exist: bool = False) -> None:
        answer = self._call("PUT", name, body, may_not_exist=may_not_exist)
        if answer.get("value") is True:
            return
        is_refused = answer.get("value") is False
        raise ZapiError(Problem.ZAPI_NOT_APPLIED if is_refused else Problem.ZAPI_UNEXPECTED)

    def _call(
        self, method: str, name: str, body: Any = None, *, may_not_exist: bool = False
    ) -> dict[str, Any]:
        """`may_not_exist`: Z-API does not document the call.

        An error that says that the call does not exist is
        then not logged.
        """
        url = Hidden(f"{self._base.reveal()}/{name}")
        result = _request(method, url, self._headers, body)
        if may_not_exist and isinstance(result, Problem) and result in NO_SUCH_CALL:
            raise ZapiError(result)
        # The name may end with a phone number, which must not get into the log.
        return _checked(f"{method} {name.rstrip(digits)} of instance {self._zapi_id}", result)


class PartnerClient:
    """The calls for a partner, who can list all instances of an account."""

    def __init__(self, partner_token: str) -> None:
        self._headers: _Headers = Hidden({"Authorization": b"Bearer " + partner_token.encode()})

    def instances(self) -> Iterator[ListedInstance]:
        """All pages of `GET /instances`. Raises ZapiError, possibly after some instances."""
        for page in range(1, MAX_PAGES + 1):
            answer = self._page(page)
            content = answer.get("content")
            if not isinstance(content, list):
                raise ZapiError(Problem.ZAPI_UNEXPECTED)
            yield from filter(None, map(_listed, content))
            if len(content) < PAGE_SIZE:
                return

    def _page(self, page: int) -> dict[str, Any]:
        url = Hidden(f"{settings.ZAPI_BASE_URL}/instances?page={page}&pageSize={PAGE_SIZE}")
        return _checked("GET instances", _request("GET", url, self._headers, of_partner=True))


def probe() -> str:
    """Call the base URL, which needs no account. Return the Date header of any answer, or ''.

    Raises ZapiError.
    """

    def date() -> str:
        with requests.get(
            settings.ZAPI_BASE_URL,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            verify=settings.ZAPI_CA_FILE or True,
            allow_redirects=False,
            stream=True,
        ) as response:
            return response.headers.get("Date", "")

    found = _result_or_problem(date)
    if isinstance(found, Problem):
        raise ZapiError(found)
    return found


def _request(
    method: str, url: Hidden[str], headers: _Headers, body: Any = None, *, of_partner: bool = False
) -> dict[str, Any] | Problem:
    return _result_or_problem(
        lambda: read_answer(*_exchange(method, url, headers, body), of_partner=of_partner)
    )


def _result_or_problem(call: Callable[[], _Result]) -> _Result | Problem:
    """Return a problem instead of raising it.

    Errors of requests contain the URL, and the URL the token. An exception raised here would keep
    their frames, whose variables contain the headers too. _checked() raises it.
    """

    def result() -> _Result | Problem:
        try:
            return call()
        except ZapiError as error:
            return error.problem
        except requests.exceptions.SSLError:
            return Problem.ZAPI_NOT_TRUSTED
        except requests.Timeout:
            return Problem.ZAPI_TOO_SLOW
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            is_slow = "timed out" in str(error)  # also raised for a timeout while reading the body
            return Problem.ZAPI_TOO_SLOW if is_slow else Problem.ZAPI_UNREACHABLE
        # A missing ZAPI_CA_FILE, an invalid URL, or a line break in a header
        except (OSError, ValueError):
            return Problem.ZAPI_IMPOSSIBLE

    try:
        return page_network.call(result)
    except TimeoutError:
        return Problem.ZAPI_TOO_SLOW


def _checked(call: str, result: dict[str, Any] | Problem) -> dict[str, Any]:
    if isinstance(result, Problem):
        error = ZapiError(result)
        logger.warning("%s at Z-API failed: %s", call, error)
        raise error
    return result


def _exchange(
    method: str, url: Hidden[str], headers: _Headers, body: Any = None
) -> tuple[int, bytes]:
    deadline = time.monotonic() + WHOLE_TIMEOUT
    with requests.request(
        method,
        url.reveal(),
        json=body,
        headers=headers.reveal(),
        timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
        verify=settings.ZAPI_CA_FILE or True,
        # A redirect would give the token to another host, and turn a PUT into a GET.
        allow_redirects=False,
        stream=True,
    ) as response:
        return response.status_code, _read(response, deadline)


def _read(response: requests.Response, deadline: float) -> bytes:
    answer = b""
    for chunk in response.iter_content(8192):
        answer += chunk
        if len(answer) > MAX_ANSWER:
            raise ZapiError(Problem.ZAPI_TOO_LONG)
        if time.monotonic() > deadline:
            raise ZapiError(Problem.ZAPI_TOO_SLOW)
    return answer


def _me(answer: Mapping[str, Any]) -> Me:
    urls = {kind: value for name, value in answer.items() if (kind := kind_of(name, value))}
    # A partner's list has separate members for the phone and WhatsApp.
    connected = answer.get("connected", answer.get("whatsappConnected"))
    filters = answer.get("callbackTypeFilters")
    return Me(
        connected=_bool(connected),
        webhook_urls={kind: _text(value) for kind, value in urls.items()},
        due_at=moment_of(answer.get("due")),
        names_due="due" in answer,
        payment_status=_text(answer.get("paymentStatus"))[:MAX_PAYMENT_STATUS],
        filters=tuple(map(str, filters)) if isinstance(filters, list) else None,
        sent_by_me=_bool(answer.get("receiveCallbackSentByMe")),
        smartphone=_bool(answer.get("phoneConnected")),
        auto_read=_bool(answer.get("autoReadMessage")),
    )


def _queued(entry: Any) -> QueuedMessage:
    """Only ids and time: the entry also has the text, which nobody else may see."""
    if not isinstance(entry, dict):
        return QueuedMessage(frozenset())
    members = {str(name).lower(): value for name, value in entry.items()}
    ids = (members.get("messageid"), members.get("zaapid"))
    return QueuedMessage(
        frozenset(one for one in ids if isinstance(one, str) and 0 < len(one) <= _MAX_ID_LENGTH),
        moment_of(members.get("created")),
    )


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str:
    """The text without NUL and lone surrogates, which databases cannot store."""
    return str(value or "").encode("utf-8", "replace").decode().replace("\0", "")


def _listed(entry: Any) -> ListedInstance | None:
    """An entry of a partner's list, or None if it is not valid."""
    if not isinstance(entry, dict) or not (entry.get("id") and entry.get("token")):
        return None
    return ListedInstance(
        zapi_id=str(entry["id"]),
        token=entry["token"].reveal(),
        name=str(entry.get("name") or ""),
        me=_me(entry),
    )
