"""Simulates Z-API without a socket: it takes a call and returns an answer."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .responses import FORGETFUL, NAMES, OK, REFUSALS, Answer, as_json, refusal

# For each webhook: the member of /me with its URL, and the filter of `PUT /update-filters` that
# turns it off. `PUT /update-webhook-<name>` sets the URL, except for those in _WITHOUT_CALL.
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
CONTROL_PATH = "/simulator/answer"

_INSTANCE_PATH = re.compile(r"/instances/([^/]+)/token/([^/]+)/(.+)")
# Calls whose path ends with a value.
_WITH_VALUE = re.compile(r"(phone-exists|phone-code|queue)/[0-9A-F]+")
_QUEUE_PAGE, _MAX_QUEUE_PAGE_LENGTH = 20, 30
# The URL of another system.
_FOREIGN_URL = "https://crm.example.com/zapi"
_LONG_QUEUE = 10_000
_CREATED = 1_705_320_000
_LISTED_MEMBERS = ("id", "token", "name", "created", "paymentStatus")


@dataclass(frozen=True, slots=True)
class Call:
    """The names of `headers` are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The JSON object of the body, or {} if the body is not one."""
        try:
            data = json.loads(self.body)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


@dataclass(slots=True)
class SimulatedInstance:
    id: str
    token: str
    urls: dict[str, str] = field(default_factory=dict)
    # The webhooks that `update-every-webhooks` sets. Z-API does not document them.
    every: tuple[str, ...] = tuple(HOOKS)
    # The URLs of undocumented webhooks, by their member of /me.
    hidden_urls: dict[str, str] = field(default_factory=dict)
    filters: list[str] | None = None
    connected: bool = True
    # Whether the phone is reachable. None: the same as `connected`.
    smartphone: bool | None = None
    # The error of /status. None: the usual text for `connected`.
    status_error: str | None = None
    # In seconds, as in /me. A partner's list has milliseconds. A string is sent unchanged.
    due: int | str | None = 1893456000
    payment_status: str = "ACTIVE"
    # Whether /me shows filters after they were set. Z-API does not document this.
    shows_filters: bool = True
    # The webhooks with a URL in a partner's list. In Z-API's older documentation, the list contains
    # nearly all webhooks.
    listed_hooks: tuple[str, ...] = ("received",)
    queued: int = 0
    # Rows of the queue before those that `queued` counts. They may be anything.
    queue_rows: list[Any] = field(default_factory=list)
    # Whether the call `GET /queue/count` exists.
    has_queue_count: bool = True
    sent_by_me: bool = False
    # Whether inbound messages are marked as read automatically.
    reads_automatically: bool = False
    # One of CASES, or '' for an instance that works.
    case: str = ""

    def set_case(self, case: str) -> None:
        self.case = case
        self.reads_automatically = case == "receipts-off"
        if case == "disconnected":
            self.connected, self.queued = False, 37
        if case == "foreign":
            self.urls["message-status"] = _FOREIGN_URL

    def url_for(self, hook: str) -> str:
        """The URL for callbacks of this webhook, or '' if none is set or a filter turns it off."""
        return "" if HOOKS[hook][1] in (self.filters or ()) else self.urls.get(hook, "")

    def description(self) -> dict[str, Any]:
        """The answer of /me."""
        urls = {member: self.urls.get(hook) for hook, (member, _) in HOOKS.items()}
        has_filters = self.shows_filters and self.filters is not None
        return {
            "id": self.id,
            "token": self.token,
            "name": f"Instance {self.id[:8]}",
            "due": self.due,
            "connected": self.connected,
            "paymentStatus": self.payment_status,
            "created": "2024-01-15T12:00:00Z",
            "receiveCallbackSentByMe": self.sent_by_me,
            "callRejectAuto": False,
            "callRejectMessage": None,
            "autoReadMessage": self.reads_automatically,
            "useProxy": False,
            "proxyUrl": None,
            **({"callbackTypeFilters": self.filters} if has_filters else {}),
            **urls,
            **self.hidden_urls,
        }

    def partner_description(self) -> dict[str, Any]:
        description = self.description()
        return {
            **{
                name: description[name]
                for name in ("id", "token", "name", "created", "paymentStatus")
            },
            "tenant": "",
            "due": self.due * 1000 if isinstance(self.due, int) else self.due,
            **{HOOKS[hook][0]: self.urls.get(hook) or "" for hook in self.listed_hooks},
            "phoneConnected": self.is_phone_connected,
            "whatsappConnected": self.connected,
        }

    @property
    def is_phone_connected(self) -> bool:
        return self.connected if self.smartphone is None else self.smartphone

    def status(self) -> dict[str, Any]:
        usual = "You are already connected." if self.connected else "You are not connected."
        return {
            "connected": self.connected,
            "error": usual if self.status_error is None else self.status_error,
            "smartphoneConnected": self.is_phone_connected,
        }

    def queue_page(self, size: int, start: int) -> dict[str, Any]:
        """A page of the queued messages. The paging state is opaque to the client."""
        first = len(self.queue_rows)
        end = min(start + size, self.queue_length)
        has_more = end < self.queue_length
        generated = range(max(start, first), end)
        return {
            "messages": [
                *self.queue_rows[start:end],
                *(self._queued_message(number - first) for number in generated),
            ],
            "pagingState": f"page-from-{end}" if has_more else None,
            "hasMore": has_more,
        }

    @property
    def queue_length(self) -> int:
        return len(self.queue_rows) + self.queued

    def _queued_message(self, number: int) -> dict[str, Any]:
        zaap_id = f"{number:032X}"
        return {
            "_id": zaap_id,
            "ZaapId": zaap_id,
            "MessageId": f"3EB0{number:016X}",
            "InstanceId": self.id,
            "Phone": f"55449999{number:05d}",
            "Message": f"Text {number} of a customer",
            "Created": (_CREATED + number) * 1000,
            "DelayMessage": -1,
        }


_DEVICE = {
    "phone": "5544999990001",
    "imgUrl": "",
    "about": "",
    "name": "Shop",
    "device": {"sessionName": "Z-API", "device_model": "Z-API"},
    "originalDevice": "android",
    "sessionId": 175,
    "isBusiness": True,
}
_QR_CODE = "data:image/png;base64,iVBORw0KGgo="
Handler = Callable[[SimulatedInstance, Call], Answer]


class Gateway:
    """The simulated API.

    It knows the given instances. If none are given, it accepts any id with any token.
    `cases` has one of CASES by instance id.
    """

    def __init__(
        self,
        known: Mapping[str, str] | None = None,
        client_token: str = "",
        *,
        accepts_http: bool = False,
        cases: Mapping[str, str] | None = None,
    ) -> None:
        self._is_restricted = bool(known)
        self._schemes = ("https://", "http://") if accepts_http else ("https://",)
        self._client_token = client_token
        self._lock = threading.Lock()
        self._cases = dict(cases or {})
        self.instances: dict[str, SimulatedInstance] = {}
        for zapi_id, instance_token in (known or {}).items():
            self._add(zapi_id, instance_token)
        self.answer_name = OK
        self.calls: list[Call] = []
        self._routes = self._make_routes()

    def answer(self, call: Call) -> Answer:
        with self._lock:
            path = urlsplit(call.path).path
            if path == CONTROL_PATH:
                return self._control(call)
            self.calls.append(call)
            token = call.headers.get("client-token", "")
            if self.answer_name in REFUSALS:
                return refusal(self.answer_name, token)
            if path == "/instances":
                return self._list(call)
            if self._client_token and token != self._client_token:
                return refusal("client-token-wrong" if token else "client-token-null", token)
            return self._answer(call, path)

    def connected_instances(self) -> list[SimulatedInstance]:
        """The instances with a URL of Statusboard for message statuses."""
        with self._lock:
            return [
                one
                for one in self.instances.values()
                if one.urls.get("message-status", "") not in ("", _FOREIGN_URL)
            ]

    def _control(self, call: Call) -> Answer:
        """`PUT {"name": …}` sets the answer to all later calls."""
        name = call.json().get("name") if call.method == "PUT" else ""
        if name not in NAMES:
            return as_json({"error": f"PUT a name: {', '.join(NAMES)}"}, 400)
        self.answer_name = name
        return as_json({"name": name})

    def _list(self, call: Call) -> Answer:
        """A page of a partner's instances, counted from 1. It needs no Client-Token."""
        if not call.headers.get("authorization", "").startswith("Bearer "):
            return refusal("unauthorized")
        query = parse_qs(urlsplit(call.path).query)
        page, size = (max(1, _number(query.get(name, ["1"])[0])) for name in ("page", "pageSize"))
        instances = list(self.instances.values())
        content = [one.partner_description() for one in instances[(page - 1) * size : page * size]]
        answer = {
            "total": len(instances),
            "totalPage": -(-len(instances) // size),
            "pageSize": size,
            "page": page,
            "content": content,
        }
        return as_json(answer, 201)

    def _answer(self, call: Call, path: str) -> Answer:
        match = _INSTANCE_PATH.fullmatch(path)
        name = _WITH_VALUE.sub(r"\1", match[3]) if match else ""
        if not match or name not in self._routes:
            return refusal("unknown-call")
        instance = self._instance(unquote(match[1]), unquote(match[2]))
        if instance is None:
            return refusal("not-found")
        handle = self._routes[name].get(call.method)
        if handle is None:
            return refusal("method-not-allowed")
        has_body = call.method in ("PUT", "POST")
        if has_body and "application/json" not in call.headers.get("content-type", ""):
            return refusal("media-type")
        return handle(instance, call)

    def _instance(self, zapi_id: str, token: str) -> SimulatedInstance | None:
        if not self._is_restricted and zapi_id not in self.instances:
            self._add(zapi_id, token)
        instance = self.instances.get(zapi_id)
        return instance if instance and instance.token == token else None

    def _add(self, zapi_id: str, token: str) -> None:
        self.instances[zapi_id] = SimulatedInstance(zapi_id, token)
        self.instances[zapi_id].set_case(self._cases.get(zapi_id, ""))

    def _make_routes(self) -> dict[str, dict[str, Handler]]:
        """The handlers by the call's name and method."""
        setters = {
            f"update-webhook-{hook}": {"PUT": self._setter(hook)}
            for hook in HOOKS
            if hook not in _WITHOUT_CALL
        }
        return setters | {
            "update-every-webhooks": {"PUT": self._setter()},
            "update-filters": {"PUT": _set_filters},
            "update-notify-sent-by-me": {"PUT": _set_sent_by_me},
            "update-queue-settings": {"PUT": lambda *_: as_json({"success": True})},
            "me": {"GET": lambda instance, _: as_json(instance.description())},
            "status": {"GET": lambda instance, _: as_json(instance.status())},
            "device": {"GET": lambda *_: as_json(_DEVICE)},
            "extension-token": {"GET": _extension_token, "POST": _extension_token},
            "restart": {"GET": _restart},
            "qr-code/image": {"GET": lambda *_: as_json({"value": _QR_CODE})},
            "phone-code": {"GET": lambda *_: as_json({"value": "A1B2C3D4"})},
            "phone-exists": {"GET": _phone_exists},
            "queue": {"POST": self._read_queue, "DELETE": _empty_queue},
            "queue/count": {"GET": _count_queue},
        }

    def _read_queue(self, instance: SimulatedInstance, call: Call) -> Answer:
        options = call.json()
        size = min(max(1, _number(options.get("pageSize", _QUEUE_PAGE))), _MAX_QUEUE_PAGE_LENGTH)
        start = _number(str(options.get("pagingState") or "").rpartition("-")[2])
        if self.answer_name == "queue-too-long":
            size = _LONG_QUEUE
        page = instance.queue_page(size, start)
        match self.answer_name:
            case "queue-endless":
                page |= {"hasMore": True, "pagingState": "page-from-0"}
            case "queue-without-ids":
                for row in page["messages"]:
                    del row["MessageId"], row["ZaapId"]
            case "queue-text-only":
                page["messages"] = [{"Message": row["Message"]} for row in page["messages"]]
            case "queue-too-long":
                page["messages"] = (page["messages"] * _LONG_QUEUE)[:_LONG_QUEUE]
        return as_json(page)

    def _setter(self, hook: str = "") -> Handler:
        """A handler that sets the URL of one webhook, or of all."""

        def set_urls(instance: SimulatedInstance, call: Call) -> Answer:
            url = str(call.json().get("value") or "")
            if url and not url.startswith(self._schemes):
                return refusal("not-applied")  # "Z-API does not accept webhooks that aren't HTTPS"
            if self.answer_name != FORGETFUL:
                instance.urls |= dict.fromkeys([hook] if hook else instance.every, url)
                instance.hidden_urls |= dict.fromkeys([] if hook else instance.hidden_urls, url)
                _set_sent_by_me(instance, call)
            return as_json({"value": True})

        return set_urls


def _extension_token(_instance: SimulatedInstance, _call: Call) -> Answer:
    return as_json({"token": "FA48-HS63", "expiresAt": int(time.time() * 1000) + 300_000})


def _restart(instance: SimulatedInstance, _call: Call) -> Answer:
    """Restore a lost session. That needs no QR code."""
    if "restore the session" in (instance.status_error or ""):
        instance.connected, instance.status_error = True, None
    return as_json({"value": True})


def _count_queue(instance: SimulatedInstance, _call: Call) -> Answer:
    if not instance.has_queue_count:
        return refusal("unknown-call")
    return as_json({"count": instance.queue_length})


def _empty_queue(instance: SimulatedInstance, call: Call) -> Answer:
    is_one = not call.path.endswith("/queue")
    instance.queued = max(0, instance.queued - 1) if is_one else 0
    return as_json({"value": True})


def _number(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 0


def _set_filters(instance: SimulatedInstance, call: Call) -> Answer:
    instance.filters = list(call.json().get("callbackTypeFilters") or [])
    return as_json({"value": True})


def _set_sent_by_me(instance: SimulatedInstance, call: Call) -> Answer:
    instance.sent_by_me = bool(call.json().get("notifySentByMe", instance.sent_by_me))
    return as_json({"value": True})


def _phone_exists(_instance: SimulatedInstance, call: Call) -> Answer:
    """Whether WhatsApp knows a number, in which form, and its LID.

    WhatsApp has older numbers without the ninth digit, and Mexican ones with the former 1.
    """
    phone = call.path.rpartition("/")[2]
    if phone.endswith("0000"):
        return as_json([{"exists": False, "phone": phone, "lid": None}])
    is_old = len(phone) == 13 and phone[-1] in "02468"
    own = f"521{phone[2:]}" if phone.startswith("52") and len(phone) == 12 else phone
    return as_json(
        [
            {
                "exists": True,
                "phone": phone[:4] + phone[5:] if is_old else own,
                "lid": f"{int(phone or 0) * 7919 % 10**15:015d}@lid",
            }
        ]
    )
