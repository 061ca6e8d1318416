"""Back-test the silence rule on simulated histories: false alarms, and the time to detect.

Each kind of customer has twelve weeks of callbacks with holidays. As in the worker, the rule learns
every day from the previous four weeks. The last eight weeks are evaluated. Each silence of the
history that it reports is a false alarm. Then the history is cut at random times with usual
traffic, and the time until the rule reports silence is measured.
"""

import math
import random
import statistics
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from messages.incidents.usual_silence import LEARNS_FROM, SHORTEST, Gap, UsualSilence, learn

START: Final = datetime(2026, 3, 2, 3, tzinfo=UTC)  # a Monday's midnight in São Paulo
WEEKS: Final = 12
JUDGED_FROM: Final = START + timedelta(weeks=4)
END: Final = START + timedelta(weeks=WEEKS)
HOLIDAYS: Final = {START.date() + timedelta(days=days) for days in (32, 46, 60)}
FACTOR, FLOOR = 3.0, 15 * 60.0
INSTANCES, CUTS = 3, 25
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

Rate = Callable[[datetime, random.Random], float]
Rule = Callable[["History", datetime, datetime], bool]


@dataclass
class History:
    """Callbacks, and what is learnt from them, day by day."""

    heard: list[datetime]

    def __post_init__(self) -> None:
        self._paces: dict[datetime, UsualSilence] = {}
        self._p99s: dict[datetime, list[float]] = {}

    def gaps(self, since: datetime, until: datetime) -> list[Gap]:
        some = self.heard[bisect_left(self.heard, since) : bisect_left(self.heard, until)]
        return list(pairwise(some))

    def pace(self, moment: datetime) -> UsualSilence:
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if day not in self._paces:
            since = day - LEARNS_FROM
            long = [gap for gap in self.gaps(since, day) if gap[1] - gap[0] >= SHORTEST]
            self._paces[day] = learn(long, since, day)
        return self._paces[day]

    def p99s(self, moment: datetime) -> list[float]:
        """The 99th percentile of the gaps that end in each hour of the day."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if day not in self._p99s:
            lengths: list[list[float]] = [[] for _ in range(24)]
            for start, end in self.gaps(day - LEARNS_FROM, day):
                lengths[end.hour].append((end - start).total_seconds())
            self._p99s[day] = [
                sorted(some)[math.ceil(0.99 * len(some)) - 1] if some else math.inf
                for some in lengths
            ]
        return self._p99s[day]


def by_hour_of_day(history: History, heard: datetime, now: datetime) -> bool:
    """The baseline rule: unusual after 3 times the p99 gap of this hour, but not before FLOOR."""
    allowed = max(FACTOR * history.p99s(now)[now.hour], FLOOR)
    return (now - heard).total_seconds() >= allowed


def ours(history: History, heard: datetime, now: datetime) -> bool:
    return history.pace(now).is_unusual(heard, now, factor=FACTOR, floor=FLOOR)


def _office(per_hour: float, *, saturday: float = 0.4, jitter: float = 0.0) -> Rate:
    """An office that is open from 9 to 18.

    `jitter` is the maximum random delay of the start, in hours.
    """

    def rate(moment: datetime, chance: random.Random) -> float:
        local = moment - 3 * _HOUR
        late = random.Random(f"{local.date()}{jitter}").random() * jitter
        opens, closes = 9 + late, 13 if local.weekday() == 5 else 18
        is_open = opens <= local.hour + local.minute / 60 < closes
        if not is_open or local.weekday() == 6 or local.date() in HOLIDAYS:
            return 0.0
        return per_hour * (saturday if local.weekday() == 5 else 1)

    return rate


def _always(per_hour: float) -> Rate:
    """An automatic sender: messages day and night, fewer at night."""
    return lambda moment, chance: per_hour * (0.3 if 2 <= (moment - 3 * _HOUR).hour < 7 else 1)


def _campaigns(per_hour: float) -> Rate:
    """Little traffic, with an occasional campaign of two hours."""

    def rate(moment: datetime, chance: random.Random) -> float:
        local = moment - 3 * _HOUR
        lot = random.Random(f"{local.date()} campaign")
        starts = 10 + lot.randrange(6)
        if lot.random() < 0.15 and starts <= local.hour < starts + 2:
            return 400.0
        return _office(per_hour)(moment, chance)

    return rate


PROFILES: Final[dict[str, Rate]] = {
    "shop, 200/h in office hours": _office(200),
    "office, 30/h, opens up to 1 h late": _office(30, jitter=1.0),
    "clinic, 8/h in office hours": _office(8),
    "small, 1.5/h in office hours": _office(1.5),
    "machine, 60/h day and night": _always(60),
    "machine, 6/h day and night": _always(6),
    "campaigns over 10/h": _campaigns(10),
}


def history_of(rate: Rate, seed: int) -> History:
    """Generate a random number of callbacks for each minute."""
    chance = random.Random(seed)
    heard, moment = [], START
    while moment < END:
        expected = rate(moment, chance) / 60
        for _ in range(_poisson(expected, chance)):
            heard.append(moment + chance.random() * _MINUTE)
        moment += _MINUTE
    return History(sorted(heard))


def _poisson(expected: float, chance: random.Random) -> int:
    number, product, limit = 0, chance.random(), math.exp(-expected)
    while product > limit:
        number += 1
        product *= chance.random()
    return number


def false_alarms(rule: Rule, history: History) -> int:
    gaps = history.gaps(JUDGED_FROM, END)
    long = [gap for gap in gaps if (gap[1] - gap[0]).total_seconds() >= FLOOR]
    return sum(_reported_at(rule, history, *gap) is not None for gap in long)


def times_to_detect(rule: Rule, history: History, rate: Rate, seed: int) -> Iterator[float]:
    """For each simulated outage, the hours until the rule reports it.

    Two weeks if the rule never reports it.
    """
    chance = random.Random(seed)
    done = 0
    while done < CUTS:
        cut = JUDGED_FROM + chance.random() * (END - JUDGED_FROM)
        if not rate(cut, chance):
            continue
        done += 1
        last = history.heard[bisect_left(history.heard, cut) - 1]
        limit = cut + timedelta(days=14)
        reported = _reported_at(rule, history, last, limit) or limit
        yield max(0.0, (reported - cut) / _HOUR)


def _reported_at(rule: Rule, history: History, heard: datetime, until: datetime) -> datetime | None:
    """When the rule, asked every five minutes, says that this silence is unusual.

    The rule only knows the history before the silence, because the worker learns only from
    callbacks.
    """
    moment = heard + timedelta(seconds=FLOOR)
    known = min(heard, END)
    while moment < until:
        if rule(_Frozen(history, known), heard, moment):
            return moment
        moment += 5 * _MINUTE
    return None


class _Frozen(History):
    """A history as it was known at one time."""

    def __init__(self, history: History, at: datetime) -> None:
        self._history, self._at = history, at

    def pace(self, moment: datetime) -> UsualSilence:
        return self._history.pace(self._at)

    def p99s(self, moment: datetime) -> list[float]:
        return self._history.p99s(self._at)


def main() -> None:
    rules: dict[str, Rule] = {"hour of day": by_hour_of_day, "ours": ours}
    weeks = INSTANCES * (END - JUDGED_FROM) / timedelta(weeks=1)
    print(f"{INSTANCES} instances each, {weeks:.0f} instance-weeks, {INSTANCES * CUTS} cuts")
    print(f"{'':36}{'rule':14}{'false alarms/week':>18}{'median':>9}{'p90':>9}")
    totals = dict.fromkeys(rules, 0)
    for name, rate in PROFILES.items():
        histories = [history_of(rate, seed) for seed in range(INSTANCES)]
        for rule_name, rule in rules.items():
            alarms = sum(false_alarms(rule, history) for history in histories)
            hours = sorted(
                hour
                for seed, history in enumerate(histories)
                for hour in times_to_detect(rule, history, rate, seed)
            )
            totals[rule_name] += alarms
            p90 = hours[math.ceil(0.9 * len(hours)) - 1]
            print(
                f"{name:36}{rule_name:14}{alarms / weeks:18.2f}"
                f"{_words(statistics.median(hours)):>9}{_words(p90):>9}"
            )
    for rule_name, alarms in totals.items():
        print(f"{'all':36}{rule_name:14}{alarms / weeks / len(PROFILES):18.2f}")


def _words(hours: float) -> str:
    return f"{60 * hours:.0f} min" if hours < 2 else f"{hours:.1f} h"


if __name__ == "__main__":
    main()
