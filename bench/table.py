"""The table that every benchmark prints: figure, value, target, ✓ or ✗."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    # None: shown for information only.
    target: float | None
    at_least: bool = True
    unit: str = ""

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target


def print_and_exit(figures: list[Figure]) -> None:
    """Print the table; exit with status 1 if a target is missed."""
    width = max(len(figure.name) for figure in figures)
    print()
    for figure in figures:
        mark = "·" if figure.target is None else "✓" if figure.is_met else "✗"
        value = f"{figure.value:,.2f}{figure.unit}"
        print(f"{mark}  {figure.name:<{width}}  {value:>14}{_wanted(figure)}")
    sys.exit(not all(figure.is_met for figure in figures))


def _wanted(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"  {'≥' if figure.at_least else '≤'} {figure.target:g}{figure.unit}"
