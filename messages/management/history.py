"""Generate the events of messages as table rows, fast enough for millions.

The rows are those that `messages.ingest` would store, but without raw callbacks. The links from a
timeline to its callbacks do not work, as after a purge.
"""

from bisect import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, cycle
from random import Random
from typing import Any, Final

from messages.domain.statuses import Status
from messages.simulator.scenarios import BY_HOUR, FAILURE_REASONS, USUAL_FAILURES

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
# Share of messages sent on each day of the week, Monday first.
_BY_WEEKDAY: Final = (10, 10, 11, 10, 9, 6, 4)
_DELIVERY, _STATUS = "DeliveryCallback", "MessageStatusCallback"
# How many of 100 failures have a usual reason. The others have all reasons in turn.
_USUAL_FAILURES_SHARE: Final = 80
# How many of 100 messages end with each status. Instances that work badly have fewer "read" and
# more failed or undelivered messages.
_ENDINGS: Final = {
    "read": 52,
    "delivered": 27,
    "played": 4,
    "sent": 6,
    "failed": 4,
    "dispatched": 2,
}
_OTHERS: Final = {"inbound": 4, "tomorrow": 1}
_CHANCES: Final = list(accumulate((_ENDINGS | _OTHERS).values()))
_NAMES: Final = list(_ENDINGS | _OTHERS)


@dataclass(slots=True)
class Step:
    """A generated event. Its times are in seconds since 1970."""

    status: Status
    at: int
    arrived: float
    phone: str
    source: str = _STATUS
    participant: str = ""
    device: int = -1
    reason: str = ""
    repeats: int = 0
    raw: str = ""


@dataclass(slots=True)
class GeneratedMessage:
    """A generated message with its events."""

    instance_id: int
    zapi_id: str
    zaap_id: str
    phone: str
    is_group: bool
    steps: list[Step] = field(default_factory=list)

    @property
    def rank(self) -> int:
        return max(step.status.rank for step in self.steps)

    @property
    def is_inbound(self) -> bool:
        return all(step.status.is_by_me for step in self.steps)

    @property
    def is_several(self) -> bool:
        return len({step.phone for step in self.steps}) > 1

    def first(self, *statuses: Status) -> int | None:
        return min((step.at for step in self.steps if step.status in statuses), default=None)


class Contacts:
    """The people and groups that receive messages. A few of them receive many."""

    def __init__(self, random: Random, count: int) -> None:
        self._random = random
        self.people = [self._number() for _ in range(count)]
        self.groups = [
            f"120363{random.randrange(10**11, 10**12)}-group" for _ in range(count // 50 + 1)
        ]
        # Some people are reported only under their LID.
        self.lids = {number: self._lid() for number in self.people[::20]}

    def person(self) -> str:
        # Squaring selects the first people more often, like regular customers.
        return self.people[int(self._random.random() ** 2 * len(self.people))]

    def group(self) -> str:
        return self.groups[int(self._random.random() ** 2 * len(self.groups))]

    def _number(self) -> str:
        """A Brazilian mobile number. One in five has no ninth digit, as in older accounts."""
        ninth = "9" if self._random.random() < 0.8 else ""
        area = self._random.choice((11, 21, 31, 44, 61, 71, 81, 85))
        return f"55{area}{ninth}{self._random.randrange(70_000_000, 100_000_000)}"

    def _lid(self) -> str:
        return f"{self._random.randrange(10**14, 10**15)}@lid"


class History:
    """Generates messages. The same seed generates the same messages.

    Events in the future are left out.
    """

    def __init__(
        self, *, messages: int, days: int, instances: Sequence[int], seed: str, now: float
    ) -> None:
        self._random = Random(seed)  # noqa: S311  (made up, and meant to be so)
        self._messages, self._days, self._now = messages, days, now
        self._instances = instances
        self._other_failures = cycle(FAILURE_REASONS.values())
        # Instances whose read receipts are off.
        self.unread: Collection[int] = ()
        # The times at which an instance sends nothing, for example while it is disconnected.
        self.pauses: Mapping[int, Sequence[tuple[float, float]]] = {}
        self.contacts = Contacts(self._random, max(100, messages // 20))
        # The first instances send the most messages. The last ones have the most failures.
        self._shares = list(accumulate(1 / (place + 2) for place in range(len(instances))))
        self._stories = {
            "dispatched": self._dispatched,
            "failed": self._failed,
            "sent": self._sent,
            "delivered": self._delivered,
            "read": self._read,
            "played": self._played,
            "inbound": self._inbound,
            "tomorrow": self._tomorrow,
        }

    @property
    def since(self) -> datetime:
        """No message is older."""
        return datetime.fromtimestamp(self._now - (self._days + 1) * _DAY, UTC)

    def lives(self) -> Iterator[GeneratedMessage]:
        """Yield the messages in the order in which they are sent."""
        for start in self._starts():
            if life := self._life(start):
                yield life

    def _starts(self) -> Iterator[int]:
        begin = int(self._now) - self._days * _DAY
        hours = [begin - begin % _HOUR + hour * _HOUR for hour in range(self._days * 24 + 1)]
        weights = list(accumulate(map(_share, hours)))
        told = 0
        for hour, weight in zip(hours, weights, strict=True):
            wanted = round(self._messages * weight / weights[-1])
            inside = sorted(self._random.randrange(_HOUR) for _ in range(wanted - told))
            yield from (hour + second for second in inside)
            told = wanted

    def _life(self, start: int) -> GeneratedMessage | None:
        place = bisect(self._shares, self._random.random() * self._shares[-1])
        story = _NAMES[bisect(_CHANCES, self._random.random() * _CHANCES[-1])]
        if self._is_paused(self._instances[place], start):
            return None
        if place >= len(self._instances) * 0.8 and story == "read" and self._random.random() < 0.3:
            story = self._random.choice(("failed", "sent", "delivered"))
        if self._instances[place] in self.unread and story in ("read", "played"):
            story = "delivered"
        is_group = story in ("delivered", "read") and self._random.random() < 0.08
        phone = self.contacts.group() if is_group else self.contacts.person()
        life = GeneratedMessage(
            self._instances[place], self._message_id(), self._hex(32), phone, is_group
        )
        self._stories[story](life, start)
        life.steps = [step for step in life.steps if step.arrived <= self._now]
        return life if life.steps else None

    def _is_paused(self, instance: int, at: int) -> bool:
        return any(since <= at < until for since, until in self.pauses.get(instance, ()))

    # ── Steps of one message ─────────────────────────────────────────────────────────────────

    def _dispatched(self, life: GeneratedMessage, start: int) -> int:
        self._add_step(life, Status.DISPATCHED, start, source=_DELIVERY, phone=life.phone)
        return start

    def _failed(self, life: GeneratedMessage, start: int) -> int:
        is_usual = self._random.randrange(100) < _USUAL_FAILURES_SHARE
        usual = FAILURE_REASONS[self._random.choice(USUAL_FAILURES)]
        reason = usual if is_usual else next(self._other_failures)
        self._add_step(
            life, Status.FAILED, start, source=_DELIVERY, reason=reason, phone=life.phone
        )
        life.zaap_id = ""
        return start

    def _sent(self, life: GeneratedMessage, start: int) -> int:
        sent = self._dispatched(life, start) + self._random.randrange(4)
        self._add_step(life, Status.SENT, sent, raw="SENT")
        return sent

    def _delivered(self, life: GeneratedMessage, start: int) -> int:
        sent = self._sent(life, start)
        if life.is_group:
            return self._delivered_to_group(life, sent)
        delivered = sent + self._wait(4, 1.1)
        self._add_step(life, Status.RECEIVED, delivered, raw="RECEIVED", device=0)
        if self._random.random() < 0.2:
            second = delivered + self._wait(8, 1.5)
            self._add_step(life, Status.RECEIVED, second, raw="RECEIVED", device=12)
        return delivered

    def _delivered_to_group(self, life: GeneratedMessage, sent: int) -> int:
        arrivals = []
        for _ in range(self._random.randint(2, 5)):
            who = self.contacts.person()
            who = self.contacts.lids.get(who, who).removesuffix("@lid")
            arrivals.append(sent + self._wait(6, 1.3))
            self._add_step(life, Status.RECEIVED, arrivals[-1], raw="RECEIVED", participant=who)
        return min(arrivals)

    def _read(self, life: GeneratedMessage, start: int) -> int:
        read = self._delivered(life, start) + self._wait(240, 1.6)
        participant = life.steps[-1].participant
        self._add_step(life, Status.READ, read, raw="READ", participant=participant)
        return read

    def _played(self, life: GeneratedMessage, start: int) -> int:
        played = self._read(life, start) + self._wait(30, 1)
        self._add_step(life, Status.PLAYED, played, raw="PLAYED")
        return played

    def _inbound(self, life: GeneratedMessage, start: int) -> int:
        life.zaap_id = ""
        self._add_step(life, Status.READ_BY_ME, start, raw="READ_BY_ME")
        return start

    def _tomorrow(self, life: GeneratedMessage, start: int) -> int:
        delivered = self._delivered(life, start)
        self._add_step(life, Status.UNKNOWN, delivered + 5, raw="EDITED")
        return delivered

    # ── Helpers ─────────────────────────────────────────────────────────────────────────

    def _add_step(self, life: GeneratedMessage, status: Status, at: int, **facts: Any) -> None:
        """Add a step, under the person's LID unless `facts` name another address."""
        chance = self._random.random()
        lag = self._wait(300, 1) if chance < 0.02 else 0.3 + chance
        facts = {"phone": self.contacts.lids.get(life.phone, life.phone)} | facts
        life.steps.append(Step(status, at, at + lag, repeats=int(chance > 0.95), **facts))

    def _wait(self, median: float, spread: float) -> int:
        """A random delay in seconds. Most delays are short, a few are very long.

        The maximum is three days.
        """
        return min(3 * _DAY, int(median * self._random.lognormvariate(0, spread)))

    def _message_id(self) -> str:
        return f"3EB0{self._hex(18)}" if self._random.random() < 0.6 else self._hex(32)

    def _hex(self, count: int) -> str:
        return f"{self._random.getrandbits(count * 4):0{count}X}"


def _share(hour: int) -> int:
    """The weight of an hour, by the time of day and the day of the week."""
    moment = datetime.fromtimestamp(hour, UTC)
    return BY_HOUR[moment.hour] * _BY_WEEKDAY[moment.weekday()]
