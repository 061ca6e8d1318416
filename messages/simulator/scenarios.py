"""What happens to messages, as Z-API tells it: a stream of callbacks, the same for the same seed.

Each quirk was seen in real traffic or stands in Z-API's documentation: one status per device,
several ids in one callback, groups whose participants come as numbers or as bare LIDs, LIDs whose
number only the delivery callback tells, copies, late and disordered arrival, tomorrow's words.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

HISTORY_HOURS = 24
# About what one message makes of callbacks, to turn a rate of callbacks into one of messages.
_PER_MESSAGE = 5
# From this rate on (per second) time runs faster, so that whole stories fit into a short run.
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
_TOMORROWS_WORDS = ("EDITED", "KEPT_IN_CHAT", "SERVER_ERROR")


@dataclass(frozen=True, slots=True)
class Emission:
    """One callback: when it is sent (epoch seconds), by which hook, and what it says."""

    at: float
    hook: str
    payload: dict[str, Any]


def history(
    instance_id: str, *, seed: int, now: float, messages: int, hours: float = HISTORY_HOURS
) -> list[Emission]:
    """Tell what these messages of the last hours have come to until now, in order of arrival."""
    teller = _Teller(instance_id, seed)
    starts = [now - hours * 3600 * teller.random.random() for _ in range(messages)]
    told = [emission for start in starts for emission in teller.story(start)]
    return sorted((emission for emission in told if emission.at <= now), key=_arrival)


def live(instance_id: str, *, seed: int, started: float, rate: float) -> Iterator[Emission]:
    """Tell without end, from `started` on, about `rate` callbacks a second in order of arrival."""
    teller = _Teller(instance_id, seed, pace=min(1.0, _NATURAL_RATE / rate))
    waiting: list[tuple[float, int, Emission]] = []
    start, numbers = started, itertools.count()  # a number, because two emissions have no order
    while True:
        for emission in teller.story(start):
            heapq.heappush(waiting, (emission.at, next(numbers), emission))
        start += teller.random.expovariate(rate / _PER_MESSAGE)
        while waiting and waiting[0][0] <= start:
            yield heapq.heappop(waiting)[2]


def _arrival(emission: Emission) -> float:
    return emission.at


class _Teller:
    """Tells what happens to one message after another. `pace` below 1 shortens every wait."""

    def __init__(self, instance_id: str, seed: int, pace: float = 1.0) -> None:
        self.random = Random(f"{instance_id}/{seed}")  # noqa: S311  (repeatable, not secret)
        self._instance_id = instance_id
        self._pace = pace
        self._contacts = [self._number() for _ in range(40)]
        self._lids = {f"{self._digits(15)}@lid": phone for phone in self._contacts[:8]}
        self._groups = [f"120363{self._digits(12)}-group" for _ in range(4)]
        self._newsletter = f"120363{self._digits(12)}@newsletter"
        self._broadcast_list = f"17{self._digits(8)}-broadcast"

    def story(self, start: float) -> list[Emission]:
        stories = self._stories()
        (tell,) = self.random.choices(list(stories), weights=list(stories.values()))
        return [copy for emission in tell(start) for copy in self._as_it_arrives(emission)]

    def _stories(self) -> dict[Callable[[float], list[Emission]], int]:
        """Each story with how often it is told, in hundredths."""
        return {
            self._read: 32,
            self._delivered: 12,
            self._played: 9,
            self._group: 14,
            self._lid: 8,
            self._several_ids: 7,
            self._stuck: 5,
            self._refused: 5,
            self._inbound: 4,
            self._tomorrow: 1,
            self._reconnected: 1,
            self._broadcast: 1,
            self._channel: 1,
        }

    # ── Stories ──────────────────────────────────────────────────────────────────────────────

    def _stuck(self, start: float) -> list[Emission]:
        """Sent, and then nothing: the contact's phone is off."""
        ids, phone = [self._id()], self.random.choice(self._contacts)
        return [
            self._delivery(start, ids[0], phone),
            self._status(start + self._wait(1, 3), "SENT", ids, phone),
        ]

    def _delivered(self, start: float) -> list[Emission]:
        """Delivered to one or two devices; read receipts are off, so no more is told."""
        told = self._stuck(start)
        first = told[-1].at + self._wait(1, 20)
        return told + [
            self._next(told[-1], first + self._wait(0, 5) * device, "RECEIVED", phoneDevice=device)
            for device in range(self.random.choice((1, 1, 2)))
        ]

    def _read(self, start: float) -> list[Emission]:
        told = self._delivered(start)
        return [*told, self._next(told[-1], told[-1].at + self._wait(10, 600), "READ")]

    def _played(self, start: float) -> list[Emission]:
        told = self._read(start)
        return [*told, self._next(told[-1], told[-1].at + self._wait(5, 120), "PLAYED")]

    def _several_ids(self, start: float) -> list[Emission]:
        """Several messages in a row, which the contact then reads at once."""
        phone = self.random.choice(self._contacts)
        ids = [self._id() for _ in range(self.random.randint(2, 6))]
        told = [self._delivery(start + place, one, phone) for place, one in enumerate(ids)]
        received = start + len(ids) + self._wait(1, 20)
        told.append(self._status(received, "RECEIVED", ids, phone))
        return [*told, self._status(received + self._wait(10, 900), "READ", ids, phone)]

    def _lid(self, start: float) -> list[Emission]:
        """Only the delivery callback names the number that was asked for."""
        lid, number = self.random.choice(list(self._lids.items()))
        ids = [self._id()]
        received = start + self._wait(2, 20)
        return [
            self._delivery(start, ids[0], number),
            self._status(start + self._wait(1, 2), "SENT", ids, lid),
            self._status(received, "RECEIVED", ids, lid),
            self._status(received + self._wait(20, 900), "READ", ids, lid),
        ]

    def _group(self, start: float) -> list[Emission]:
        """Each participant for themselves, some of them by a LID without its mark."""
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

    def _refused(self, start: float) -> list[Emission]:
        """Both ids are the same then."""
        told = self._delivery(start, self._id(), self.random.choice(self._contacts))
        facts = {"zaapId": told.payload["messageId"], **self.random.choice(_FAILURES)}
        return [Emission(told.at, told.hook, told.payload | facts)]

    def _inbound(self, start: float) -> list[Emission]:
        """Tell of a customer's message, and that the connected account read or heard it."""
        word = self.random.choice(("READ_BY_ME", "READ_BY_ME", "PLAYED_BY_ME"))
        message_id, phone = self._id(), self.random.choice(self._contacts)
        return [
            self._received(start, message_id, phone),
            self._status(start + self._wait(1, 600), word, [message_id], phone),
        ]

    def _broadcast(self, start: float) -> list[Emission]:
        """A transmission list: each of its contacts for themselves."""
        address, ids = self._broadcast_list, [self._id()]
        told = [self._delivery(start, ids[0], address), self._status(start, "SENT", ids, address)]
        for member in self._contacts[:5]:
            received = start + self._wait(2, 60)
            who = {"participant": member, "participantDevice": 0}
            told.append(self._status(received, "RECEIVED", ids, address, **who))
        return told

    def _channel(self, start: float) -> list[Emission]:
        """Of a channel no more than SENT ever comes."""
        ids = [self._id()]
        return [
            self._delivery(start, ids[0], self._newsletter),
            self._status(start + 1, "SENT", ids, self._newsletter),
        ]

    def _tomorrow(self, start: float) -> list[Emission]:
        told = self._delivered(start)
        word = self.random.choice(_TOMORROWS_WORDS)
        return [*told, self._next(told[-1], told[-1].at + self._wait(5, 60), word)]

    def _reconnected(self, start: float) -> list[Emission]:
        """Tell of a loss of the connection, in seconds, and of its return, in milliseconds."""
        back, error = start + self._wait(5, 90), "Device has been disconnected"
        lost = {"momment": int(start), "disconnected": True, "error": error}
        found = {"momment": int(back) * 1000, "connected": True, "phone": self._contacts[-1]}
        return [
            self._emission(start, "disconnected", "DisconnectedCallback", **lost),
            self._emission(back, "connected", "ConnectedCallback", **found, isBusiness=True),
        ]

    # ── Callbacks ────────────────────────────────────────────────────────────────────────────

    def _delivery(self, at: float, message_id: str, phone: str) -> Emission:
        return self._emission(
            at,
            "delivery",
            "DeliveryCallback",
            phone=phone,
            zaapId=self._hex(32),
            messageId=message_id,
            momment=int(at * 1000),
        )

    def _status(self, at: float, word: str, ids: list[str], phone: str, **more: Any) -> Emission:
        """`momment` is in whole seconds, in spite of its unit; in microseconds where we read it."""
        is_group = phone.endswith("-group")
        is_shared = is_group or phone.endswith(("-broadcast", "@newsletter"))
        facts: dict[str, Any] = {"isGroup": is_group} | ({} if is_shared else {"phoneDevice": 0})
        momment = int(at * 1_000_000) if word == "READ_BY_ME" else int(at) * 1000
        facts |= {"status": word, "ids": ids, "momment": momment, "phone": phone}
        return self._emission(at, "message-status", "MessageStatusCallback", **facts | more)

    def _received(self, at: float, message_id: str, phone: str) -> Emission:
        """An inbound message; most name the LID of who sent it."""
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

    def _next(self, told: Emission, at: float, word: str, **more: Any) -> Emission:
        payload = told.payload | {"status": word, "momment": int(at) * 1000, **more}
        return Emission(at, told.hook, payload)

    def _emission(self, at: float, hook: str, kind: str, **facts: Any) -> Emission:
        return Emission(at, hook, {"instanceId": self._instance_id, "type": kind, **facts})

    def _as_it_arrives(self, told: Emission) -> list[Emission]:
        """Arrival lags behind; a few come late enough to be overtaken, and a few come twice."""
        chance = self.random.random()
        lag = self._wait(60, 2200) if chance < 0.02 else self._wait(2, 40) if chance < 0.1 else 0.3
        arrived = Emission(told.at + lag, told.hook, told.payload)
        if self.random.random() >= 0.07:
            return [arrived]
        return [arrived, Emission(arrived.at + self._wait(1, 30), told.hook, told.payload)]

    # ── Small things ─────────────────────────────────────────────────────────────────────────

    def _wait(self, shortest: float, longest: float) -> float:
        """Draw seconds, short ones more often than long ones."""
        return self._pace * (shortest + (longest - shortest) * self.random.random() ** 3)

    def _id(self) -> str:
        return self.random.choice(("3EB0" + self._hex(18), "3A" + self._hex(18), self._hex(32)))

    def _number(self) -> str:
        """Make up a Brazilian mobile number; every fifth, as in older accounts, lacks its 9."""
        area, ninth = self.random.choice((11, 21, 31, 44, 61, 85)), self.random.random() < 0.8
        return f"55{area}{'9' if ninth else ''}9999{self._digits(4)}"

    def _digits(self, count: int) -> str:
        return "".join(self.random.choices("123456789", k=count))

    def _hex(self, count: int) -> str:
        return "".join(self.random.choices("0123456789ABCDEF", k=count))
