"""The table that every benchmark prints: figure, value, target, ✓ or ✗."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    target: float
    at_least: bool = True
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target


def print_and_exit(figures: list[Figure]) -> None:
    """Print the table; exit with status 1 if a target is missed."""
    width = max(len(figure.name) for figure in figures)
    print()
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        value, target = f"{figure.value:.2f}{figure.unit}", f"{sign} {figure.target:g}{figure.unit}"
        print(f"{'✓' if figure.is_met else '✗'}  {figure.name:<{width}}  {value:>10}  {target}")
    sys.exit(not all(figure.is_met for figure in figures))
