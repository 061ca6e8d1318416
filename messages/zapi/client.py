"""Z-API over HTTP: the only user of `requests`, and the only one that holds a token in clear."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings

from . import errors
from .errors import ZapiError, read_answer

__all__ = ["ConnectionStatus", "Me", "PhoneExists", "ZapiClient", "ZapiError"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5
READ_TIMEOUT = 15
# `timeout` of requests is per read: an answer that trickles in would never end by it.
WHOLE_TIMEOUT = 30
# The longest documented answer, /me, has some 2,000 bytes.
MAX_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Me:
    """What is kept of `GET /me`. The token in it is not."""

    connected: bool | None
    webhook_urls: Mapping[str, str]

    def webhook_url(self, kind: str) -> str:
        """Give the URL that Z-API calls for this kind, '' where there is none."""
        return self.webhook_urls.get(_url_member(kind), "")


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """`GET /status`. Z-API fills `error` while all is well, too ("You are already connected.")."""

    connected: bool
    smartphone_connected: bool
    error: str


@dataclass(frozen=True, slots=True)
class PhoneExists:
    """`GET /phone-exists`: WhatsApp's own form of a number and its LID, '' where not told."""

    exists: bool
    phone: str
    lid: str


class ZapiClient:
    """The calls on one instance. Each raises ZapiError, whose text never holds a secret."""

    def __init__(self, zapi_id: str, token: str, client_token: str = "") -> None:
        path = f"/instances/{quote(zapi_id, safe='')}/token/{quote(token, safe='')}"
        self._base = settings.ZAPI_BASE_URL + path
        # As bytes: requests would refuse a text outside Latin-1 with an exception that shows it.
        self._headers = {"Client-Token": client_token.encode()} if client_token else {}

    def set_webhook(self, kind: str, url: str) -> None:
        """`PUT /update-webhook-<kind>`. Answered 200 with {"value": false} where not applied."""
        answer = self._call("PUT", f"update-webhook-{kind}", {"value": url})
        if answer.get("value") is True:
            return
        raise ZapiError(errors.NOT_APPLIED if answer.get("value") is False else errors.UNEXPECTED)

    def me(self) -> Me:
        answer = self._call("GET", "me")
        urls = {name: value for name, value in answer.items() if name.endswith("CallbackUrl")}
        if not urls:
            raise ZapiError(errors.UNEXPECTED)
        connected = answer.get("connected")
        return Me(
            connected=connected if isinstance(connected, bool) else None,
            webhook_urls={name: str(value or "") for name, value in urls.items()},
        )

    def status(self) -> ConnectionStatus:
        answer = self._call("GET", "status")
        if not isinstance(answer.get("connected"), bool):
            raise ZapiError(errors.UNEXPECTED)
        return ConnectionStatus(
            connected=answer["connected"],
            smartphone_connected=answer.get("smartphoneConnected") is True,
            error=str(answer.get("error") or ""),
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

    def _call(self, method: str, name: str, body: Any = None) -> dict[str, Any]:
        try:
            with _problems_of_the_network():
                return read_answer(*self._exchange(method, name, body))
        except ZapiError as error:
            # Without the number that stands behind the name.
            logger.warning("%s %s at Z-API failed: %s", method, name.partition("/")[0], error)
            raise

    def _exchange(self, method: str, name: str, body: Any) -> tuple[int, bytes]:
        deadline = time.monotonic() + WHOLE_TIMEOUT
        with requests.request(
            method,
            f"{self._base}/{name}",
            json=body,
            headers=self._headers,
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


def _url_member(kind: str) -> str:
    """Name the member of /me: messageStatusCallbackUrl for message-status."""
    first, *others = kind.split("-")
    return first + "".join(map(str.capitalize, others)) + "CallbackUrl"
