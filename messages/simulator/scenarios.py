"""Generates callbacks like Z-API's. The same seed gives the same callbacks.

Its special cases come from real traffic or Z-API's documentation. Examples: a status per device,
several ids in one callback, LIDs without `@lid`, duplicates, late and unordered arrival, unknown
statuses.
"""

import heapq
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from messages.domain.failures import FAILURES, REASONS, FailureCategory

HISTORY_HOURS = 24
# Share of messages sent in each hour of the day (UTC) by companies in Brazil.
BY_HOUR = (
    *(6, 4, 2, 1, 1, 1, 1, 1, 2, 4, 10, 18),
    *(24, 26, 25, 20, 22, 26, 26, 24, 22, 16, 12, 9),
)
# The approximate number of callbacks per message. Converts a rate of callbacks into one of
# messages.
_PER_MESSAGE = 5
# At a higher rate (per second) waits are shorter, so that scenarios complete in a short run.
_NATURAL_RATE = 2

# What an instance can show besides its usual traffic, by the values of --case. Times are in
# seconds before the start. A restriction, a disconnection and a silence are still going on at the
# start. The restriction ends after two hours.
CASES = ("restricted", "disconnected", "silent", "receipts-off", "foreign")
_RESTRICTED_FOR, _RESTRICTED_STILL_FOR = 1500, 7200
DISCONNECTED_FOR, _UNDELIVERED_BEFORE = 2400, 900
SILENT_FOR = 3 * 3600
# In these cases nothing is reported after the start.
_WITHOUT_CALLBACKS = ("disconnected", "silent")

_RESTRICTION_SIGNS = ("likely_shadow_ban", "rejected_by_whatsapp", "not_allowed_by_whatsapp")
USUAL_FAILURES = (
    *("phone_number_does_not_exist",) * 6,
    *("send_timeout", "send_timeout", "invalid_phone_number", "invalid_media_url", "send_error"),
)
# Z-API's text for each reason that does not mean a restriction, and one that is not documented.
FAILURE_REASONS = {
    code: REASONS[code].replace("{content-type}", "video/mp4").replace("{type}", "Poll")
    for code, one in FAILURES.items()
    if one.category is not FailureCategory.RESTRICTED
} | {"": "Message refused by policy 17"}
_INBOUND = ("text", "text", "reply", "reply", "reaction", "poll", "button", "list")
_BUTTON = {"buttonId": "1", "message": "Confirmar"}
_LIST_ROW = {"message": "Manhã", "title": "Manhã", "selectedRowId": "1"}
_UNKNOWN_STATUSES = ("EDITED", "KEPT_IN_CHAT", "SERVER_ERROR")


@dataclass(frozen=True, slots=True)
class ScheduledCallback:
    """`at` is when it is sent, in epoch seconds. `hook` is the webhook that it is sent to."""

    at: float
    hook: str
    payload: dict[str, Any]

    @property
    def body(self) -> bytes:
        return json.dumps(self.payload).encode()


def history(
    instance_id: str,
    *,
    seed: int,
    now: float,
    messages: int,
    case: str = "",
) -> list[ScheduledCallback]:
    """The callbacks until now about messages of the last hours, in order of arrival."""
    generator = _Generator(instance_id, seed, began=now, case=case)
    starts = generator.past_starts(messages)
    if case == "disconnected":
        starts += [now - DISCONNECTED_FOR - 60 * minute for minute in range(1, 9)]
    if case == "restricted":
        starts += [now - 60 * minute for minute in range(1, 20)]
    until = now - SILENT_FOR if case == "silent" else now
    callbacks = [one for start in starts for one in generator.scenario(start) if one.at <= until]
    if case == "disconnected":
        callbacks.append(generator.disconnection(now - DISCONNECTED_FOR))
    return sorted(callbacks, key=lambda callback: callback.at)


def live(
    instance_id: str, *, seed: int, started: float, rate: float, case: str = ""
) -> Iterator[ScheduledCallback]:
    """Endless callbacks from `started` on, about `rate` a second, in order of arrival.

    There are none if the case is one in which Z-API reports nothing.
    """
    if case in _WITHOUT_CALLBACKS:
        return
    pace = min(1.0, _NATURAL_RATE / rate)
    generator = _Generator(instance_id, seed, pace, began=started, case=case)
    waiting: list[tuple[float, int, ScheduledCallback]] = []
    # The heap compares the numbers of two callbacks with the same time.
    start, numbers = started, itertools.count()
    while True:
        for callback in generator.scenario(start):
            heapq.heappush(waiting, (callback.at, next(numbers), callback))
        start += generator.random.expovariate(rate / _PER_MESSAGE)
        while waiting and waiting[0][0] <= start:
            yield heapq.heappop(waiting)[2]


def own_number(instance_id: str) -> str:
    """The number of an instance, always the same."""
    return _random_number(Random(instance_id))  # noqa: S311  (made up)


def _random_number(random: Random) -> str:
    """A random Brazilian mobile number. As in older accounts, one in five lacks the 9."""
    area, ninth = random.choice((11, 21, 31, 44, 61, 85)), random.random() < 0.8
    return f"55{area}{'9' if ninth else ''}9999{''.join(random.choices('123456789', k=4))}"


class _Generator:
    """Generates the callbacks of one message after another. `pace` below 1 shortens all waits."""

    def __init__(
        self, instance_id: str, seed: int, pace: float = 1.0, *, began: float, case: str
    ) -> None:
        self.random = Random(f"{instance_id}/{seed}")  # noqa: S311  (repeatable, not secret)
        self._instance_id = instance_id
        self._pace = pace
        self._began = began
        self._case = case
        self._contacts = [self._number() for _ in range(40)]
        self._lids = {f"{self._digits(15)}@lid": phone for phone in self._contacts[:8]}
        self._groups = [f"120363{self._digits(12)}-group" for _ in range(4)]
        self._newsletter = f"120363{self._digits(12)}@newsletter"
        self._broadcast_list = f"17{self._digits(8)}-broadcast"

    def past_starts(self, number: int) -> list[float]:
        """Times in the last hours, more of them in busy hours of the day."""
        hours = range(HISTORY_HOURS)
        weights = [BY_HOUR[int(self._began - hour * 3600) // 3600 % 24] for hour in hours]
        chosen = self.random.choices(hours, weights, k=number)
        return [self._began - (hour + self.random.random()) * 3600 for hour in chosen]

    def scenario(self, start: float) -> list[ScheduledCallback]:
        if self._case == "restricted":
            until_start = self._began - start
            if -_RESTRICTED_STILL_FOR <= until_start <= _RESTRICTED_FOR:
                # Its sender tries less often.
                return self._restricted(start) if self.random.random() < 0.3 else []
        if self._case == "disconnected":
            # Nothing is reported while messages wait in Z-API's queue.
            until_lost = self._began - DISCONNECTED_FOR - start
            if until_lost <= _UNDELIVERED_BEFORE:
                return self._stuck(start) if until_lost > 0 else []
        # How often each scenario occurs, in per cent.
        weights: dict[Callable[[float], list[ScheduledCallback]], int] = {
            self._read: 25,
            self._answered: 6,
            self._own_status: 1,
            self._delivered: 12,
            self._played: 9,
            self._group: 14,
            self._lid: 8,
            self._several_ids: 7,
            self._stuck: 5,
            self._refused: 5,
            self._inbound: 4,
            self._unknown_status: 1,
            self._reconnected: 1,
            self._broadcast: 1,
            self._channel: 1,
        }
        (generate,) = self.random.choices(list(weights), weights=list(weights.values()))
        told = generate(start)
        if self._case == "receipts-off":
            told = [one for one in told if one.payload.get("status") not in ("READ", "PLAYED")]
        return [copy for callback in told for copy in self._as_it_arrives(callback)]

    # ── Scenarios ────────────────────────────────────────────────────────────────────────────

    def _stuck(self, start: float) -> list[ScheduledCallback]:
        """Sent but not delivered, because the contact's phone is off."""
        ids, phone = [self._id()], self.random.choice(self._contacts)
        return [
            self._delivery(start, ids[0], phone),
            self._status(start + self._wait(1, 3), "SENT", ids, phone),
        ]

    def _delivered(self, start: float) -> list[ScheduledCallback]:
        """Delivered to one or two devices. Read receipts are off, so nothing follows."""
        told = self._stuck(start)
        first = told[-1].at + self._wait(1, 20)
        return told + [
            self._next(told[-1], first + self._wait(0, 5) * device, "RECEIVED", phoneDevice=device)
            for device in range(self.random.choice((1, 1, 2)))
        ]

    def _read(self, start: float) -> list[ScheduledCallback]:
        told = self._delivered(start)
        return [*told, self._next(told[-1], told[-1].at + self._wait(10, 600), "READ")]

    def _played(self, start: float) -> list[ScheduledCallback]:
        told = self._read(start)
        return [*told, self._next(told[-1], told[-1].at + self._wait(5, 120), "PLAYED")]

    def _several_ids(self, start: float) -> list[ScheduledCallback]:
        """Several messages in a row that the contact reads together."""
        phone = self.random.choice(self._contacts)
        ids = [self._id() for _ in range(self.random.randint(2, 6))]
        told = [self._delivery(start + place, one, phone) for place, one in enumerate(ids)]
        received = start + len(ids) + self._wait(1, 20)
        told.append(self._status(received, "RECEIVED", ids, phone))
        return [*told, self._status(received + self._wait(10, 900), "READ", ids, phone)]

    def _lid(self, start: float) -> list[ScheduledCallback]:
        """Only the delivery callback has the number. The others have the LID."""
        lid, number = self.random.choice(list(self._lids.items()))
        ids = [self._id()]
        received = start + self._wait(2, 20)
        return [
            self._delivery(start, ids[0], number),
            self._status(start + self._wait(1, 2), "SENT", ids, lid),
            self._status(received, "RECEIVED", ids, lid),
            self._status(received + self._wait(20, 900), "READ", ids, lid),
        ]

    def _group(self, start: float) -> list[ScheduledCallback]:
        """Each participant is reported separately, some by a LID without `@lid`."""
        group, ids = self.random.choice(self._groups), [self._id()]
        told = [self._delivery(start, ids[0], group), self._status(start + 1, "SENT", ids, group)]
        members = [*self._contacts[8:20], *(lid.removesuffix("@lid") for lid in self._lids)]
        for member in self.random.sample(members, self.random.randint(3, 9)):
            who = {"participant": member, "participantDevice": self.random.choice((0, 0, 0, 12))}
            received = start + self._wait(2, 60)
            told.append(self._status(received, "RECEIVED", ids, group, **who))
            if self.random.random() < 0.6:
                read = received + self._wait(10, 900)
                told.append(self._status(read, "READ", ids, group, **who))
        return told

    def _refused(self, start: float) -> list[ScheduledCallback]:
        """Mostly the usual reasons, but also each of the others, and one that is not documented."""
        is_usual = self.random.random() < 0.6
        codes = USUAL_FAILURES if is_usual else list(FAILURE_REASONS)
        return [self._failure(start, error=FAILURE_REASONS[self.random.choice(codes)])]

    def _restricted(self, start: float) -> list[ScheduledCallback]:
        """WhatsApp limits the number. Only a part of the refusals has Z-API's code for it."""
        error = REASONS[self.random.choice(_RESTRICTION_SIGNS)]
        code = {"errorCode": "SHADOW_BAN"} if self.random.random() < 0.5 else {}
        return [self._failure(start, error=error, **code)]

    def _failure(self, start: float, **facts: str) -> ScheduledCallback:
        """Z-API refuses the message. Its `zaapId` and `messageId` are then the same."""
        told = self._delivery(start, self._id(), self.random.choice(self._contacts))
        same = {"zaapId": told.payload["messageId"]}
        return ScheduledCallback(told.at, told.hook, told.payload | same | facts)

    def disconnection(self, at: float) -> ScheduledCallback:
        """The time is in seconds."""
        lost = {"momment": int(at), "disconnected": True, "error": "Device has been disconnected"}
        return self._emission(at, "disconnected", "DisconnectedCallback", **lost)

    def _answered(self, start: float) -> list[ScheduledCallback]:
        """The contact reacts to the message in one of the ways that Z-API reports."""
        told = self._delivered(start) if self.random.random() < 0.3 else self._read(start)
        message_id, phone = told[0].payload["messageId"], told[0].payload["phone"]
        at = told[-1].at + self._wait(20, 900)
        facts: dict[str, Any]
        match self.random.choice(_INBOUND):
            case "reply":
                facts = {"referenceMessageId": message_id}
            case "reaction":
                to = {"messageId": message_id, "fromMe": True}
                facts = {"reaction": {"value": "👍", "time": int(at), "referencedMessage": to}}
            case "poll":
                vote = {"pollMessageId": message_id, "options": [{"name": "Sim"}]}
                facts = {"pollVote": vote}
            case "button":
                facts = {"referenceMessageId": message_id, "buttonsResponseMessage": _BUTTON}
            case "list":
                facts = {"referenceMessageId": message_id, "listResponseMessage": _LIST_ROW}
            case _:
                facts = {"text": {"message": "Tudo certo, obrigado!"}}
        return [*told, self._received(at, self._id(), phone, **facts)]

    def _own_status(self, start: float) -> list[ScheduledCallback]:
        """A post that contacts see for a day."""
        ids = [self._id()]
        told = [self._status(start, "SENT", ids, "status@broadcast")]
        for member in self.random.sample(self._contacts, 2):
            who = {"participant": member, "participantDevice": 0}
            seen = start + self._wait(60, 3600)
            told.append(self._status(seen, "READ", ids, "status@broadcast", **who))
        return told

    def _inbound(self, start: float) -> list[ScheduledCallback]:
        """A customer's message that the connected account then reads or plays."""
        status = self.random.choice(("READ_BY_ME", "READ_BY_ME", "PLAYED_BY_ME"))
        message_id, phone = self._id(), self.random.choice(self._contacts)
        return [
            self._received(start, message_id, phone, text={"message": "Bom dia!"}),
            self._status(start + self._wait(1, 600), status, [message_id], phone),
        ]

    def _broadcast(self, start: float) -> list[ScheduledCallback]:
        """A broadcast list. Each contact is reported separately."""
        address, ids = self._broadcast_list, [self._id()]
        told = [self._delivery(start, ids[0], address), self._status(start, "SENT", ids, address)]
        for member in self._contacts[:5]:
            received = start + self._wait(2, 60)
            who = {"participant": member, "participantDevice": 0}
            told.append(self._status(received, "RECEIVED", ids, address, **who))
        return told

    def _channel(self, start: float) -> list[ScheduledCallback]:
        """A message to a channel never gets further than SENT."""
        ids = [self._id()]
        return [
            self._delivery(start, ids[0], self._newsletter),
            self._status(start + 1, "SENT", ids, self._newsletter),
        ]

    def _unknown_status(self, start: float) -> list[ScheduledCallback]:
        told = self._delivered(start)
        status = self.random.choice(_UNKNOWN_STATUSES)
        return [*told, self._next(told[-1], told[-1].at + self._wait(5, 60), status)]

    def _reconnected(self, start: float) -> list[ScheduledCallback]:
        """The connection is lost (time in seconds) and restored (time in milliseconds)."""
        back = start + self._wait(5, 90)
        number = own_number(self._instance_id)
        found = {"momment": int(back) * 1000, "connected": True, "phone": number}
        return [
            self.disconnection(start),
            self._emission(back, "connected", "ConnectedCallback", **found, isBusiness=True),
        ]

    # ── Callbacks ────────────────────────────────────────────────────────────────────────────

    def _delivery(self, at: float, message_id: str, phone: str) -> ScheduledCallback:
        return self._emission(
            at,
            "delivery",
            "DeliveryCallback",
            phone=phone,
            zaapId=self._hex(32),
            messageId=message_id,
            momment=int(at * 1000),
        )

    def _status(
        self, at: float, status: str, ids: list[str], phone: str, **more: Any
    ) -> ScheduledCallback:
        """`momment` is in milliseconds, always whole seconds. For READ_BY_ME: in microseconds."""
        is_group = phone.endswith("-group")
        is_shared = is_group or phone.endswith(("broadcast", "@newsletter"))
        facts: dict[str, Any] = {"isGroup": is_group} | ({} if is_shared else {"phoneDevice": 0})
        momment = int(at * 1_000_000) if status == "READ_BY_ME" else int(at) * 1000
        facts |= {"status": status, "ids": ids, "momment": momment, "phone": phone}
        return self._emission(at, "message-status", "MessageStatusCallback", **facts | more)

    def _received(
        self, at: float, message_id: str, phone: str, **content: Any
    ) -> ScheduledCallback:
        """An inbound message. Some contain the sender's LID."""
        lids = {number: lid for lid, number in self._lids.items()}
        return self._emission(
            at,
            "received",
            "ReceivedCallback",
            messageId=message_id,
            phone=phone,
            chatLid=lids.get(phone),
            momment=int(at) * 1000,
            status="RECEIVED",
            fromMe=False,
            fromApi=False,
            isGroup=False,
            isEdit=False,
            waitingMessage=False,
            **content,
        )

    def _next(
        self, previous: ScheduledCallback, at: float, status: str, **more: Any
    ) -> ScheduledCallback:
        payload = previous.payload | {"status": status, "momment": int(at) * 1000, **more}
        return ScheduledCallback(at, previous.hook, payload)

    def _emission(self, at: float, hook: str, kind: str, **facts: Any) -> ScheduledCallback:
        return ScheduledCallback(at, hook, {"instanceId": self._instance_id, "type": kind, **facts})

    def _as_it_arrives(self, sent: ScheduledCallback) -> list[ScheduledCallback]:
        """Delay the callback. A few are overtaken by others, and a few arrive twice."""
        chance = self.random.random()
        lag = self._wait(60, 2200) if chance < 0.02 else self._wait(2, 40) if chance < 0.1 else 0.3
        arrived = replace(sent, at=sent.at + lag)
        if self.random.random() >= 0.07:
            return [arrived]
        return [arrived, replace(arrived, at=arrived.at + self._wait(1, 30))]

    # ── Values ───────────────────────────────────────────────────────────────────────────────

    def _wait(self, shortest: float, longest: float) -> float:
        """A random number of seconds. Short waits are more likely than long ones."""
        return self._pace * (shortest + (longest - shortest) * self.random.random() ** 3)

    def _id(self) -> str:
        return self.random.choice(("3EB0" + self._hex(18), "3A" + self._hex(18), self._hex(32)))

    def _number(self) -> str:
        return _random_number(self.random)

    def _digits(self, count: int) -> str:
        return "".join(self.random.choices("123456789", k=count))

    def _hex(self, count: int) -> str:
        return "".join(self.random.choices("0123456789ABCDEF", k=count))
