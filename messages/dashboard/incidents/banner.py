"""What every page's frame says of incidents, in the banner, the title and the favicon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from messages.access.masking import as_seen_by
from messages.access.scope import Viewer
from messages.incidents.glance import glance

from .rows import IncidentRow, absence_row, incidents_for

# Named one by one; the page tells of the others.
NAMED: Final = 2
# Beyond this a number says no more.
_COUNTED: Final = 99


@dataclass(frozen=True, slots=True)
class Attention:
    rows: Sequence[IncidentRow] = ()

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def named(self) -> Sequence[IncidentRow]:
        return self.rows[:NAMED]

    @property
    def more(self) -> int:
        return max(0, self.count - NAMED)


def attention(request: HttpRequest) -> dict[str, object]:
    """A context processor. Asks nothing before a template shows it: error pages may not."""
    user = getattr(request, "user", None)
    return {"attention": SimpleLazyObject(lambda: _attention(user))}


def _attention(user: Viewer | None) -> Attention:
    if user is None or not user.is_authenticated:
        return Attention()
    state = glance.look()
    rows = [absence_row(state.absence)] if state.absence else []
    if state.has_open:
        found = incidents_for(user).open().unacknowledged().order_by("opened_at", "id")
        rows += [IncidentRow(incident) for incident in as_seen_by(user, found[:_COUNTED])]
    return Attention(rows)
