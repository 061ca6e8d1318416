"""Z-API's memory and manners, without a socket: a call goes in, an answer comes out."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .answers import FORGETFUL, NAMES, OK, REFUSALS, Answer, as_json, refusal

# Each hook with the member of /me that shows its URL and the filter of `PUT /update-filters` that
# silences it. `PUT /update-webhook-<name>` sets each, except those of which no call is published.
HOOKS = {
    "message-status": ("messageStatusCallbackUrl", "FILTER_MESSAGE_STATUS_CALLBACK"),
    "delivery": ("deliveryCallbackUrl", "FILTER_DELIVERY_CALLBACK"),
    "connected": ("connectedCallbackUrl", "FILTER_CONNECTED_CALLBACK"),
    "disconnected": ("disconnectedCallbackUrl", "FILTER_DISCONNECTED_CALLBACK"),
    "received": ("receivedCallbackUrl", "FILTER_RECEIVED_CALLBACK"),
    "chat-presence": ("presenceChatCallbackUrl", "FILTER_PRESENCE_CHAT_CALLBACK"),
    "received-delivery": ("receivedAndDeliveryCallbackUrl", ""),
    "received-status": ("receivedStatusCallbackUrl", ""),
    "initial-data": ("initialDataCallbackUrl", ""),
}
_WITHOUT_CALL = {"received-status", "initial-data"}
CONTROL_PATH = "/stand-in/answer"

_INSTANCE_PATH = re.compile(r"/instances/([^/]+)/token/([^/]+)/(.+)")
_PHONE_EXISTS = re.compile(r"phone-exists/\d+")
_EMPTY_QUEUE: dict[str, Any] = {"messages": [], "pagingState": None, "hasMore": False}


@dataclass(frozen=True, slots=True)
class Call:
    """`headers` have lower-case names."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """Give the body's object, empty where there is none."""
        try:
            data = json.loads(self.body)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


@dataclass(slots=True)
class RememberedInstance:
    id: str
    token: str
    urls: dict[str, str] = field(default_factory=dict)
    # Of hooks that are not published at all, by their member of /me.
    hidden_urls: dict[str, str] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)
    connected: bool = True
    # As /me tells it: seconds or milliseconds, and sometimes as text.
    due: int | str | None = 1893456000000
    payment_status: str = "PAID"
    # Whether /me tells of the filters, which is not documented.
    tells_filters: bool = True
    # The hooks whose URLs a partner's list tells: it may be one of them.
    listed_hooks: tuple[str, ...] = tuple(HOOKS)
    queued: int = 0
    sent_by_me: bool = False

    def url_for(self, hook: str) -> str:
        """Where a callback of this hook goes; '' where no URL is set or a filter silences it."""
        return "" if HOOKS[hook][1] in self.filters else self.urls.get(hook, "")

    def description(self) -> dict[str, Any]:
        """Tell what /me tells."""
        urls = {member: self.urls.get(hook) for hook, (member, _) in HOOKS.items()}
        return {
            "id": self.id,
            "token": self.token,
            "name": f"Instance {self.id[:8]}",
            "due": self.due,
            "connected": self.connected,
            "paymentStatus": self.payment_status,
            "created": "2024-01-15T12:00:00Z",
            "receiveCallbackSentByMe": self.sent_by_me,
            **({"callbackTypeFilters": self.filters} if self.tells_filters else {}),
            **urls,
            **self.hidden_urls,
        }

    def partner_description(self) -> dict[str, Any]:
        told = self.description()
        told.pop("callbackTypeFilters", None)
        for hook, (member, _) in HOOKS.items():
            if hook not in self.listed_hooks:
                del told[member]
        connected = told.pop("connected")
        return told | {"phoneConnected": connected, "whatsappConnected": connected}

    def status(self) -> dict[str, Any]:
        return {
            "connected": self.connected,
            "error": "You are already connected." if self.connected else "You are not connected.",
            "smartphoneConnected": self.connected,
        }


Handler = Callable[[RememberedInstance, Call], Answer]


class Gateway:
    """Knows the instances given, or, where none is, any id with any token."""

    def __init__(
        self,
        known: Mapping[str, str] | None = None,
        client_token: str = "",
        *,
        takes_http: bool = False,
    ) -> None:
        self._is_restricted = bool(known)
        self._schemes = ("https://", "http://") if takes_http else ("https://",)
        self._client_token = client_token
        self._lock = threading.Lock()
        self.instances = {
            zapi_id: RememberedInstance(zapi_id, token) for zapi_id, token in (known or {}).items()
        }
        self.answer_name = OK
        self.calls: list[Call] = []
        self._routes = self._make_routes()

    def answer(self, call: Call) -> Answer:
        with self._lock:
            path = urlsplit(call.path).path
            if path == CONTROL_PATH:
                return self._control(call)
            self.calls.append(call)
            given = call.headers.get("client-token", "")
            if self.answer_name in REFUSALS:
                return refusal(self.answer_name, given)
            if self._client_token and given != self._client_token:
                return refusal("client-token-wrong" if given else "client-token-null", given)
            return self._list(call) if path == "/instances" else self._answer(call, path)

    def hooked(self) -> list[RememberedInstance]:
        """Give the instances with a URL for message statuses, which all stories are about."""
        with self._lock:
            return [one for one in self.instances.values() if one.urls.get("message-status")]

    def _control(self, call: Call) -> Answer:
        """`PUT {"name": …}` chooses what every later call is answered with."""
        name = call.json().get("name") if call.method == "PUT" else ""
        if name not in NAMES:
            return as_json({"error": f"PUT a name: {', '.join(NAMES)}"}, 400)
        self.answer_name = name
        return as_json({"name": name})

    def _list(self, call: Call) -> Answer:
        """List a partner's instances, by page from 1."""
        if not call.headers.get("authorization", "").startswith("Bearer "):
            return refusal("unauthorized")
        query = parse_qs(urlsplit(call.path).query)
        page, size = (int(query.get(name, ["1"])[0]) for name in ("page", "pageSize"))
        instances = list(self.instances.values())
        content = [one.partner_description() for one in instances[(page - 1) * size : page * size]]
        pages = -(-len(instances) // max(size, 1))
        return as_json({"total": len(instances), "totalPage": pages, "content": content})

    def _answer(self, call: Call, path: str) -> Answer:
        match = _INSTANCE_PATH.fullmatch(path)
        name = _PHONE_EXISTS.sub("phone-exists", match[3]) if match else ""
        if not match or name not in self._routes:
            return refusal("unknown-call")
        instance = self._instance(unquote(match[1]), unquote(match[2]))
        if instance is None:
            return refusal("not-found")
        method, handle = self._routes[name]
        if call.method != method:
            return refusal("method-not-allowed")
        if method != "GET" and "application/json" not in call.headers.get("content-type", ""):
            return refusal("media-type")
        return handle(instance, call)

    def _instance(self, zapi_id: str, token: str) -> RememberedInstance | None:
        if not self._is_restricted:
            self.instances.setdefault(zapi_id, RememberedInstance(zapi_id, token))
        instance = self.instances.get(zapi_id)
        return instance if instance and instance.token == token else None

    def _make_routes(self) -> dict[str, tuple[str, Handler]]:
        setters = {
            f"update-webhook-{hook}": ("PUT", self._setter([hook]))
            for hook in HOOKS
            if hook not in _WITHOUT_CALL
        }
        return setters | {
            "update-every-webhooks": ("PUT", self._setter(list(HOOKS), hidden=True)),
            "update-filters": ("PUT", _set_filters),
            "update-notify-sent-by-me": ("PUT", _set_sent_by_me),
            "me": ("GET", lambda instance, _: as_json(instance.description())),
            "status": ("GET", lambda instance, _: as_json(instance.status())),
            "phone-exists": ("GET", lambda _, call: as_json(_whose(call.path.rpartition("/")[2]))),
            "queue": ("POST", lambda *_: as_json(_EMPTY_QUEUE)),
            "queue/count": ("GET", lambda instance, _: as_json({"count": instance.queued})),
        }

    def _setter(self, hooks: list[str], *, hidden: bool = False) -> Handler:
        def set_urls(instance: RememberedInstance, call: Call) -> Answer:
            url = str(call.json().get("value") or "")
            if url and not url.startswith(self._schemes):
                return refusal("not-applied")  # "Z-API does not accept webhooks that aren't HTTPS"
            if self.answer_name != FORGETFUL:
                instance.urls.update(dict.fromkeys(hooks, url))
                instance.hidden_urls.update(
                    dict.fromkeys(instance.hidden_urls if hidden else (), url)
                )
                _set_sent_by_me(instance, call)
            return as_json({"value": True})

        return set_urls


def _set_filters(instance: RememberedInstance, call: Call) -> Answer:
    instance.filters = list(call.json().get("callbackTypeFilters") or [])
    return as_json({"value": True})


def _set_sent_by_me(instance: RememberedInstance, call: Call) -> Answer:
    instance.sent_by_me = bool(call.json().get("notifySentByMe", instance.sent_by_me))
    return as_json({"value": True})


def _whose(phone: str) -> list[dict[str, Any]]:
    """Tell what WhatsApp makes of a number: an older one answers without its ninth digit.

    A Mexican one keeps the 1 that mobile numbers there once had.
    """
    is_old = len(phone) == 13 and phone[-1] in "02468"
    own = f"521{phone[2:]}" if phone.startswith("52") and len(phone) == 12 else phone
    return [
        {
            "exists": not phone.endswith("0000"),
            "phone": phone[:4] + phone[5:] if is_old else own,
            "lid": f"{int(phone or 0) * 7919 % 10**15:015d}@lid",
        }
    ]
