"""Z-API over HTTP: the only user of `requests`, and the only one that holds a token in clear."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from string import digits
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings

from statusboard import page_network
from statusboard.redaction import redact_beginning

from . import errors
from .errors import Problem, ZapiError, read_answer
from .hidden import Hidden
from .times import moment_of
from .webhook_kinds import call_of, has_call, kind_of

__all__ = ["ConnectionStatus", "Me", "PhoneExists", "ZapiClient", "ZapiError"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5
READ_TIMEOUT = 15
# `timeout` of requests is per read: an answer that trickles in would never end by it.
WHOLE_TIMEOUT = 30
PAGE_SIZE = 100
# The queue's pages hold 30 messages at most. Z-API keeps up to 1,000; more pages are not read.
QUEUE_PAGE_SIZE = 30
MAX_QUEUE_PAGES = 34
# A list of 100 instances takes some 200,000 bytes, 30 messages in the queue up to 750,000.
MAX_ANSWER = 900_000
# A list that never ends is not Z-API's.
MAX_PAGES = 1000
MAX_PAYMENT_STATUS = 40
MAX_REASON = 300
_Headers = Hidden[Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """Whether a number is connected, as far as Z-API tells.

    `error` of `GET /status` is filled while all is well, too ("You are already connected").
    `smartphone` says whether the phone itself is reachable.
    """

    connected: bool | None
    error: str = ""
    smartphone: bool | None = None


@dataclass(frozen=True, slots=True)
class Me:
    """What is kept of `GET /me`, or of an entry of a partner's list. The token in it is not.

    A partner's list names fewer members, and what it does not name is unknown, not empty.
    """

    connected: bool | None
    # By kind of webhook, also those that are not known here; see messages.zapi.webhook_kinds.
    webhook_urls: Mapping[str, str]
    due_at: datetime | None = None
    # Whether `due` was named at all: named and empty, the instance has no end.
    names_due: bool = False
    # '' where it is not told.
    payment_status: str = ""
    # The types of callbacks that `update-filters` holds back; None where Z-API does not tell.
    filters: tuple[str, ...] | None = None
    # Whether it reports messages that the number sends itself, which /me calls by another name.
    sent_by_me: bool | None = None
    smartphone: bool | None = None

    @property
    def connection(self) -> ConnectionStatus:
        return ConnectionStatus(self.connected, smartphone=self.smartphone)

    def names_url_of(self, kind: str) -> bool:
        return kind in self.webhook_urls

    def webhook_url(self, kind: str) -> str:
        """Give the URL that Z-API calls for this kind, '' where there is none or none is named."""
        return self.webhook_urls.get(kind, "")


@dataclass(frozen=True, slots=True)
class ListedInstance:
    """One of a partner's list: what /me would tell, and what it takes to import it."""

    zapi_id: str
    token: str = field(repr=False)
    name: str
    me: Me


@dataclass(frozen=True, slots=True)
class PhoneExists:
    """`GET /phone-exists`: WhatsApp's own form of a number and its LID, '' where not told."""

    exists: bool
    phone: str
    lid: str


@dataclass(frozen=True, slots=True)
class Queue:
    """How many messages wait at Z-API, not sent yet; `is_least` where there may be more."""

    count: int
    is_least: bool = False


class ZapiClient:
    """The calls on one instance. Each raises ZapiError, whose text never holds a secret."""

    def __init__(self, zapi_id: str, token: str, client_token: str = "") -> None:
        self._zapi_id = zapi_id
        path = f"/instances/{quote(zapi_id, safe='')}/token/{quote(token, safe='')}"
        self._base = Hidden(settings.ZAPI_BASE_URL + path)
        # As bytes: requests would refuse a text outside Latin-1 with an exception that shows it.
        headers = {"Client-Token": client_token.encode()} if client_token else {}
        self._headers: _Headers = Hidden(headers)

    def set_webhook(self, kind: str, url: str) -> None:
        """`PUT /update-webhook-<kind>`. Answered 200 with {"value": false} where not applied."""
        self._put(call_of(kind), {"value": url}, may_be_unknown=not has_call(kind))

    def set_every_webhook(self, url: str, *, sent_by_me: bool) -> None:
        """`PUT /update-every-webhooks`: all that Z-API has, whoever they call so far."""
        self._put("update-every-webhooks", {"value": url, "notifySentByMe": sent_by_me})

    def notify_sent_by_me(self, value: bool) -> None:
        """`PUT /update-notify-sent-by-me`: the same switch, by itself."""
        self._put("update-notify-sent-by-me", {"notifySentByMe": value})

    def me(self) -> Me:
        me = _me(self._call("GET", "me"))
        if not me.webhook_urls:
            raise ZapiError(errors.UNEXPECTED)
        return me

    def status(self) -> ConnectionStatus:
        answer = self._call("GET", "status")
        if not isinstance(answer.get("connected"), bool):
            raise ZapiError(errors.UNEXPECTED)
        return ConnectionStatus(
            connected=answer["connected"],
            error=redact_beginning(_text(answer.get("error")).strip(), MAX_REASON),
            smartphone=_bool(answer.get("smartphoneConnected")),
        )

    def phone_exists(self, phone: str) -> PhoneExists:
        answer = self._call("GET", f"phone-exists/{quote(phone, safe='')}")
        if answer.get("exists") not in (True, False, "true", "false"):
            raise ZapiError(errors.UNEXPECTED)
        lid = str(answer.get("lid") or "")
        return PhoneExists(
            exists=answer["exists"] in (True, "true"),
            phone=str(answer.get("phone") or ""),
            lid=lid if lid.endswith("@lid") else "",
        )

    def queue(self) -> Queue:
        """`GET /queue/count` where Z-API still has it, else counted by the pages of the queue."""
        try:
            count = self._call("GET", "queue/count", may_be_unknown=True).get("count")
        except ZapiError as error:
            if error.problem not in errors.NO_SUCH_CALL:
                raise
            count = None
        return Queue(count) if isinstance(count, int) else self._count_queue()

    def _count_queue(self) -> Queue:
        """`POST /queue`, page after page. What was counted before a page fails is the least."""
        state: Any = None
        count, until = 0, time.monotonic() + WHOLE_TIMEOUT
        for _page in range(MAX_QUEUE_PAGES):
            body = {"pageSize": QUEUE_PAGE_SIZE} | ({"pagingState": state} if state else {})
            try:
                page = self._call("POST", "queue", body)
            except ZapiError:
                if not count:
                    raise
                break
            messages, before, state = page.get("messages"), state, page.get("pagingState")
            if not isinstance(messages, list):
                raise ZapiError(errors.UNEXPECTED)
            count += len(messages)
            if not page.get("hasMore", state):
                return Queue(count)
            if not state or state == before or time.monotonic() > until:
                break
        return Queue(count, is_least=True)

    def _put(self, name: str, body: Any, *, may_be_unknown: bool = False) -> None:
        answer = self._call("PUT", name, body, may_be_unknown=may_be_unknown)
        if answer.get("value") is True:
            return
        raise ZapiError(errors.NOT_APPLIED if answer.get("value") is False else errors.UNEXPECTED)

    def _call(
        self, method: str, name: str, body: Any = None, *, may_be_unknown: bool = False
    ) -> dict[str, Any]:
        """`may_be_unknown`: Z-API publishes no such call, or no longer; that is not logged."""
        url = Hidden(f"{self._base.reveal()}/{name}")
        outcome = _outcome(method, url, self._headers, body)
        if may_be_unknown and isinstance(outcome, Problem) and outcome in errors.NO_SUCH_CALL:
            raise ZapiError(outcome)
        # Without a number that it ends with.
        return _told(f"{method} {name.rstrip(digits)} of instance {self._zapi_id}", outcome)


class PartnerClient:
    """What a partner may ask: all instances of an account at once."""

    def __init__(self, partner_token: str) -> None:
        self._headers: _Headers = Hidden({"Authorization": b"Bearer " + partner_token.encode()})

    def instances(self) -> Iterator[ListedInstance]:
        """Page after page of `GET /instances`. Raises ZapiError, half-way too."""
        for page in range(1, MAX_PAGES + 1):
            answer = self._page(page)
            content = answer.get("content")
            if not isinstance(content, list):
                raise ZapiError(errors.UNEXPECTED)
            yield from filter(None, map(_listed, content))
            if len(content) < PAGE_SIZE:
                return

    def _page(self, page: int) -> dict[str, Any]:
        url = Hidden(f"{settings.ZAPI_BASE_URL}/instances?page={page}&pageSize={PAGE_SIZE}")
        return _told("GET instances", _outcome("GET", url, self._headers, of_partner=True))


def _outcome(
    method: str, url: Hidden[str], headers: _Headers, body: Any = None, *, of_partner: bool = False
) -> dict[str, Any] | Problem:
    """A problem is given back, and raised elsewhere.

    Raised from here it would keep the frames in which it happened, with their variables: those of
    requests hold the URL and the headers.
    """
    try:
        return page_network.call(lambda: _asked(method, url, headers, body, of_partner=of_partner))
    except TimeoutError:
        return errors.TOO_SLOW


def _asked(
    method: str, url: Hidden[str], headers: _Headers, body: Any, *, of_partner: bool
) -> dict[str, Any] | Problem:
    try:
        with _problems_of_the_network():
            return read_answer(*_exchange(method, url, headers, body), of_partner=of_partner)
    except ZapiError as error:
        return error.problem


def _told(call: str, outcome: dict[str, Any] | Problem) -> dict[str, Any]:
    if isinstance(outcome, Problem):
        error = ZapiError(outcome)
        logger.warning("%s at Z-API failed: %s", call, error)
        raise error
    return outcome


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
        # Another host must not be told the token; and a PUT would turn into a GET.
        allow_redirects=False,
        stream=True,
    ) as response:
        return response.status_code, _read(response, deadline)


def _read(response: requests.Response, deadline: float) -> bytes:
    answer = b""
    for chunk in response.iter_content(8192):
        answer += chunk
        if len(answer) > MAX_ANSWER:
            raise ZapiError(errors.TOO_LONG)
        if time.monotonic() > deadline:
            raise ZapiError(errors.TOO_SLOW)
    return answer


@contextmanager
def _problems_of_the_network() -> Iterator[None]:
    """`from None` throughout: the texts of requests hold the URL, and the URL holds the token."""
    try:
        yield
    except requests.exceptions.SSLError:
        raise ZapiError(errors.NOT_TRUSTED) from None
    except requests.Timeout:
        raise ZapiError(errors.TOO_SLOW) from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        is_slow = "timed out" in str(error)  # a time-out while the body is read comes as this
        raise ZapiError(errors.TOO_SLOW if is_slow else errors.UNREACHABLE) from None
    except (OSError, ValueError):  # a missing ZAPI_CA_FILE, an address that is none, a line break
        raise ZapiError(errors.CALL_IMPOSSIBLE) from None


def _me(answer: Mapping[str, Any]) -> Me:
    urls = {kind: value for name, value in answer.items() if (kind := kind_of(name, value))}
    # A partner's list tells of the phone and of WhatsApp apart.
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
    )


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str:
    """As a database can store it: without NUL and lone surrogates."""
    return str(value or "").encode("utf-8", "replace").decode().replace("\0", "")


def _listed(entry: Any) -> ListedInstance | None:
    """One of a partner's list, None for what cannot be one."""
    if not isinstance(entry, dict) or not (entry.get("id") and entry.get("token")):
        return None
    return ListedInstance(
        zapi_id=str(entry["id"]),
        token=entry["token"].reveal(),
        name=str(entry.get("name") or ""),
        me=_me(entry),
    )
