"""The content of one message to one channel, in the channel's language. No phones, no secrets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from messages.accounts.masking import without_numbers
from messages.domain.durations import duration
from messages.incidents.incident_links import page_of
from messages.incidents.presentation import advice, description, part_of, title, who_acts
from messages.models import Incident, IncidentKind, Notification, Transition
from statusboard.absolute_urls import absolute_url

# A longer list is not useful.
MAX_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Entry:
    incident: Incident
    transition: Transition

    @property
    def is_over(self) -> bool:
        return self.transition is Transition.RESOLVED

    @property
    def is_merged(self) -> bool:
        return self.transition is Transition.MERGED

    @property
    def title(self) -> str:
        text = title(self.incident)
        if self.is_merged:
            return _("Merged: %s") % text
        return _("Resolved: %s") % text if self.is_over else text

    @property
    def lines(self) -> Sequence[str]:
        """The title and the text below it."""
        if self.is_over:
            lasted = _("Duration: %s.") % duration(self.incident.lasted)
            return [self.title, lasted, self.url]
        if self.is_merged:
            goes_on = _("Continues as: %s.") % part_of(self.incident)
            return [self.title, goes_on, self.url]
        since = _("Since %s.") % _local_time(self.incident.opened_at)
        what, do = description(self.incident), advice(self.incident)
        text = [self.title, what, since, do, who_acts(self.incident), self.url]
        return [line for line in text if line]

    @property
    def url(self) -> str:
        """The page that shows the details."""
        return absolute_url(page_of(self.incident).path)

    def as_json(self) -> dict[str, Any]:
        incident = self.incident
        is_channel = incident.kind == IncidentKind.CHANNEL
        is_job = incident.kind == IncidentKind.JOB
        return {
            "id": incident.pk,
            "transition": self.transition.value,
            "kind": incident.kind,
            "instance": incident.instance.name if incident.instance else None,
            "instance_id": incident.instance.shown_id if incident.instance else None,
            "machine": None if is_channel or is_job else incident.place or None,
            "channel": incident.place if is_channel else None,
            "job": incident.place if is_job else None,
            "title": self.title,
            "text": description(incident),
            "url": self.url,
            "opened_at": _iso(incident.opened_at),
            "resolved_at": _iso(incident.resolved_at),
        }


@dataclass(frozen=True, slots=True)
class Digest:
    """`id` stays the same when the digest is sent again."""

    id: UUID
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, digest_id: UUID, notifications: Iterable[Notification]) -> "Digest":
        """If an incident was opened and resolved meanwhile, only its end is included."""
        latest: dict[int, Entry] = {}
        for one in sorted(notifications, key=lambda one: one.pk):
            [incident] = without_numbers([one.incident])
            latest[one.incident_id] = Entry(incident, Transition(one.transition))
        return cls(digest_id, tuple(sorted(latest.values(), key=_order)))

    @property
    def subject(self) -> str:
        if len(self.entries) == 1:
            return self.entries[0].title
        over = sum(entry.is_over for entry in self.entries)
        merged = sum(entry.is_merged for entry in self.entries)
        opened = len(self.entries) - over - merged
        parts = []
        if opened:
            parts.append(
                ngettext("%(number)d problem", "%(number)d problems", opened) % {"number": opened}
            )
        if merged:
            parts.append(
                ngettext("%(number)d merged", "%(number)d merged", merged) % {"number": merged}
            )
        if over:
            parts.append(
                ngettext("%(number)d resolved", "%(number)d resolved", over) % {"number": over}
            )
        return ", ".join(parts)

    @property
    def text(self) -> str:
        paragraphs = ["\n".join(entry.lines) for entry in self.entries[:MAX_TOLD]]
        if (more := len(self.entries) - MAX_TOLD) > 0:
            text = ngettext("And %(number)d more.", "And %(number)d more.", more)
            paragraphs.append(text % {"number": more})
        if len(self.entries) > 1:
            paragraphs.append(incidents_url())
        return "\n\n".join(paragraphs)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "subject": self.subject,
            "incidents": [entry.as_json() for entry in self.entries],
            "url": incidents_url(),
        }


@dataclass(frozen=True, slots=True)
class TestMessage:
    """The test message, sent like a digest."""

    id: UUID

    @property
    def subject(self) -> str:
        return _("Test message")

    @property
    def text(self) -> str:
        text = _("This channel works.")
        return f"{text}\n\n{incidents_url()}"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "subject": self.subject,
            "incidents": [],
            "url": incidents_url(),
        }


def incidents_url() -> str:
    return absolute_url(reverse("dashboard:incidents"))


def _order(entry: Entry) -> int:
    """Opened incidents first, resolved ones last."""
    return [Transition.OPENED, Transition.MERGED, Transition.RESOLVED].index(entry.transition)


def _local_time(moment: datetime) -> str:
    """In the default time zone, because a channel has none of its own."""
    zone = settings.DEFAULT_TIME_ZONE
    local = moment.astimezone(ZoneInfo(zone))
    day = date_format(local, pgettext("date format", "j M Y"), use_l10n=False)
    return _("%(day)s, %(clock)s (%(zone)s)") % {
        "day": day,
        "clock": f"{local:%H:%M}",
        "zone": zone,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None
