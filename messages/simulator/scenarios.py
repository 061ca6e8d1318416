"""Generates callbacks like Z-API's. The same seed gives the same callbacks.

Its special cases come from real traffic or Z-API's documentation. Examples: a status per device,
several ids in one callback, LIDs without `@lid`, duplicates, late and unordered arrival, unknown
statuses.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

HISTORY_HOURS = 24
# The approximate number of callbacks per message. Converts a rate of callbacks into one of
# messages.
_PER_MESSAGE = 5
# At a higher rate (per second) waits are shorter, so that scenarios complete in a short run.
_NATURAL_RATE = 2

_FAILURES = (
    {"error": "Phone number does not exist"},
    {"error": "Phone number does not exist"},
    {
        "error": "The message was not sent due to a likely shadow ban",
        "errorCode": "SHADOW_BAN",
    },
    {"error": "Timeout on send message"},
)
_UNKNOWN_STATUSES = ("EDITED", "KEPT_IN_CHAT", "SERVER_ERROR")


@dataclass(frozen=True, slots=True)
class ScheduledCallback:
    """`at` is when it is sent, in epoch seconds. `hook` is the webhook that it is sent to."""

    at: float
    hook: str
    payload: dict[str, Any]


def history(
    instance_id: str, *, seed: int, now: float, messages: int, hours: float = HISTORY_HOURS
) -> list[ScheduledCallback]:
    """The callbacks until now about messages of the last hours, in order of arrival."""
    generator = _Generator(instance_id, seed)
    starts = [now - hours * 3600 * generator.random.random() for _ in range(messages)]
    callbacks = [one for start in starts for one in generator.scenario(start) if one.at <= now]
    return sorted(callbacks, key=lambda callback: callback.at)


def live(
    instance_id: str, *, seed: int, started: float, rate: float
) -> Iterator[ScheduledCallback]:
    """Endless callbacks from `started` on, about `rate` a second, in order of arrival."""
    generator = _Generator(instance_id, seed, pace=min(1.0, _NATURAL_RATE / rate))
    waiting: list[tuple[float, int, ScheduledCallback]] = []
    # The heap compares the numbers of two callbacks with the same time.
    start, numbers = started, itertools.count()
    while True:
        for callback in generator.scenario(start):
            heapq.heappush(waiting, (callback.at, next(numbers), callback))
        start += generator.random.expovariate(rate / _PER_MESSAGE)
        while waiting and waiting[0][0] <= start:
            yield heapq.heappop(waiting)[2]


class _Generator:
    """Generates the callbacks of one message after another. `pace` below 1 shortens all waits."""

    def __init__(self, instance_id: str, seed: int, pace: float = 1.0) -> None:
        self.random = Random(f"{instance_id}/{seed}")  # noqa: S311  (repeatable, not secret)
        self._instance_id = instance_id
        self._pace = pace
        self._contacts = [self._number() for _ in range(40)]
        self._lids = {f"{self._digits(15)}@lid": phone for phone in self._contacts[:8]}
        self._groups = [f"120363{self._digits(12)}-group" for _ in range(4)]
        self._newsletter = f"120363{self._digits(12)}@newsletter"
        self._broadcast_list = f"17{self._digits(8)}-broadcast"

    def scenario(self, start: float) -> list[ScheduledCallback]:
        # How often each scenario occurs, in per cent.
        weights: dict[Callable[[float], list[ScheduledCallback]], int] = {
            self._read: 32,
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
        return [copy for callback in generate(start) for copy in self._as_it_arrives(callback)]

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
        """Z-API refuses the message. Its `zaapId` and `messageId` are then the same."""
        told = self._delivery(start, self._id(), self.random.choice(self._contacts))
        facts = {"zaapId": told.payload["messageId"], **self.random.choice(_FAILURES)}
        return [ScheduledCallback(told.at, told.hook, told.payload | facts)]

    def _inbound(self, start: float) -> list[ScheduledCallback]:
        """A customer's message that the connected account then reads or plays."""
        status = self.random.choice(("READ_BY_ME", "READ_BY_ME", "PLAYED_BY_ME"))
        message_id, phone = self._id(), self.random.choice(self._contacts)
        return [
            self._received(start, message_id, phone),
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
        back, error = start + self._wait(5, 90), "Device has been disconnected"
        lost = {"momment": int(start), "disconnected": True, "error": error}
        found = {"momment": int(back) * 1000, "connected": True, "phone": self._contacts[-1]}
        return [
            self._emission(start, "disconnected", "DisconnectedCallback", **lost),
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
        is_shared = is_group or phone.endswith(("-broadcast", "@newsletter"))
        facts: dict[str, Any] = {"isGroup": is_group} | ({} if is_shared else {"phoneDevice": 0})
        momment = int(at * 1_000_000) if status == "READ_BY_ME" else int(at) * 1000
        facts |= {"status": status, "ids": ids, "momment": momment, "phone": phone}
        return self._emission(at, "message-status", "MessageStatusCallback", **facts | more)

    def _received(self, at: float, message_id: str, phone: str) -> ScheduledCallback:
        """An inbound message. Most contain the sender's LID."""
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
            text={"message": "Bom dia!"},
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
        """A random Brazilian mobile number. As in older accounts, one in five lacks the 9."""
        area, ninth = self.random.choice((11, 21, 31, 44, 61, 85)), self.random.random() < 0.8
        return f"55{area}{'9' if ninth else ''}9999{self._digits(4)}"

    def _digits(self, count: int) -> str:
        return "".join(self.random.choices("123456789", k=count))

    def _hex(self, count: int) -> str:
        return "".join(self.random.choices("0123456789ABCDEF", k=count))
