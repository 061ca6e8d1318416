"""What every page's frame says of incidents, in the banner, the title and the favicon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from messages.accounts.scope import Viewer
from messages.incidents.incident_counts import incident_counts
from messages.notifications.worker_alarm import alarm

from .incident_rows import IncidentRow, banner_rows

# Named one by one; the page tells of the others.
NAMED: Final = 2
# Beyond this a number says no more.
_COUNTED: Final = 99


@dataclass(frozen=True, slots=True)
class Attention:
    """Of the incidents that are open, those that nobody looks after, and the acknowledged ones."""

    unattended: Sequence[IncidentRow] = ()
    acknowledged: Sequence[IncidentRow] = ()

    @property
    def count(self) -> int:
        return min(len(self.unattended), _COUNTED)

    @property
    def named(self) -> Sequence[IncidentRow]:
        return self.unattended[:NAMED]

    @property
    def more(self) -> int:
        return max(0, self.count - NAMED)

    @property
    def named_acknowledged(self) -> Sequence[IncidentRow]:
        return self.acknowledged[:NAMED]

    @property
    def more_acknowledged(self) -> int:
        return max(0, len(self.acknowledged) - NAMED)


def attention(request: HttpRequest) -> dict[str, object]:
    """A context processor. Asks nothing before a template shows it: error pages may not."""
    user = getattr(request, "user", None)
    return {"attention": SimpleLazyObject(lambda: _attention(user))}


def _attention(user: Viewer | None) -> Attention:
    if user is None or not user.is_authenticated:
        return Attention()
    state = incident_counts.current()
    if state.worker_absence or state.overdue:
        alarm.ring()
    if not (state.worker_absence or state.open):
        return Attention()
    rows = banner_rows(state.worker_absence, user)
    return Attention(
        [row for row in rows if not row.acknowledged], [row for row in rows if row.acknowledged]
    )
