"""How the lower half of the Overview is shown. These parameters select no messages."""

from dataclasses import dataclass
from typing import Final, Self

from django.db.models import TextChoices
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _


class Heat(TextChoices):
    """What the colours of the heat map show."""

    VOLUME = "volume", _("Messages")
    READ = "read", _("Share read")
    P95 = "p95", _("Delivery time")


class Sort(TextChoices):
    """The order of the instances."""

    DELIVERED = "delivered", _("Lowest delivery rate")
    FAILED = "failed", _("Highest failure rate")
    TIME = "time", _("Longest typical time")
    VOLUME = "volume", _("Most messages")


# The lists that can be shown in full.
REASONS, INSTANCES = "reasons", "instances"
_LISTS: Final = (REASONS, INSTANCES)


@dataclass(frozen=True, slots=True)
class Display:
    heat: Heat = Heat.VOLUME
    sort: Sort = Sort.DELIVERED
    full: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Ignore invalid parameters."""
        heat, sort, full = query.get("heat"), query.get("sort"), query.getlist("full")
        return cls(
            heat=Heat(heat) if heat in Heat.values else Heat.VOLUME,
            sort=Sort(sort) if sort in Sort.values else Sort.DELIVERED,
            full=tuple(name for name in _LISTS if name in full),
        )

    def query(self) -> list[tuple[str, str]]:
        heat = [("heat", self.heat.value)] if self.heat is not Heat.VOLUME else []
        sort = [("sort", self.sort.value)] if self.sort is not Sort.DELIVERED else []
        return [*heat, *sort, *(("full", name) for name in self.full)]

    def with_all(self, name: str) -> tuple[str, ...]:
        return (*self.full, name)

    def shows_all(self, name: str) -> bool:
        return name in self.full
