from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


def worst_level(levels: Iterable[Level]) -> Level:
    return max(levels, key=list(Level).index)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `text` also says what to do, and contains no secret."""

    level: Level
    text: str


def ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def warning(text: str) -> Finding:
    return Finding(Level.WARNING, text)


def problem(text: str) -> Finding:
    return Finding(Level.PROBLEM, text)
