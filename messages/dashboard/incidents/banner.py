"""The open incidents in the banner, title and favicon of every page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from messages.accounts.scope import Viewer
from messages.incidents.incident_counts import incident_counts
from messages.notifications.worker_alarm import worker_alarm

from .incident_rows import IncidentRow, banner_rows

# Incidents named in the banner; the page lists the others.
MAX_NAMED: Final = 2
# The maximum count that is shown.
_MAX_COUNTED: Final = 99


@dataclass(frozen=True, slots=True)
class Attention:
    """The open incidents: those that nobody handles, and the acknowledged ones."""

    unattended: Sequence[IncidentRow] = ()
    acknowledged: Sequence[IncidentRow] = ()

    @property
    def count(self) -> int:
        return min(len(self.unattended), _MAX_COUNTED)

    @property
    def named(self) -> Sequence[IncidentRow]:
        return self.unattended[:MAX_NAMED]

    @property
    def more(self) -> int:
        return max(0, self.count - MAX_NAMED)

    @property
    def named_acknowledged(self) -> Sequence[IncidentRow]:
        return self.acknowledged[:MAX_NAMED]

    @property
    def more_acknowledged(self) -> int:
        return max(0, len(self.acknowledged) - MAX_NAMED)


def attention(request: HttpRequest) -> dict[str, object]:
    """A context processor. It is lazy, because error pages must not use the database."""
    user = getattr(request, "user", None)
    return {"attention": SimpleLazyObject(lambda: attention_of(user))}


def attention_of(user: Viewer | None) -> Attention:
    if user is None or not user.is_authenticated:
        return Attention()
    state = incident_counts.current()
    if state.worker_absence or state.overdue:
        worker_alarm.trigger()
    if not (state.worker_absence or state.open):
        return Attention()
    rows = banner_rows(state.worker_absence, user)
    return Attention(
        [row for row in rows if not row.acknowledged], [row for row in rows if row.acknowledged]
    )
