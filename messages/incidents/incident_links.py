"""The page that shows the details of an incident."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy

from messages.models import Incident, IncidentKind, Instance

from .stuck_messages import counted_days

# The names that messages.search uses in URLs.
_PERIODS: Final = {1: "24h", 7: "7d", 30: "30d"}
_VIEWS: Final = {
    IncidentKind.UNCONFIRMED: "unconfirmed",
    IncidentKind.STUCK: "stuck",
    IncidentKind.FAILING: "failed",
    IncidentKind.RESTRICTED: "failed",
}
_OF_AN_INSTANCE: Final = {
    IncidentKind.WEBHOOK: ("instance", "view_instance", "#webhook"),
    IncidentKind.FILTERED: ("instance", "view_instance", "#webhook"),
    IncidentKind.FORWARDING: ("instance-forwarding", "change_instance"),
}
_OF_ALL_INSTANCES: Final = {
    IncidentKind.SPOOL: ("health", "view_callback"),
    IncidentKind.WORKER: ("workers", "view_workerbeat"),
    IncidentKind.JOB: ("workers", "view_workerbeat"),
    IncidentKind.NO_WORKER: ("workers", "view_workerbeat"),
    IncidentKind.GUESSING: ("audit", "view_auditevent"),
    IncidentKind.CHANNEL: ("channels", "view_channel"),
}
_WORDS: Final = {
    "messages": gettext_lazy("Show the messages"),
    "instance": gettext_lazy("Open the instance %(instance)s"),
    "instance-forwarding": gettext_lazy("Open the forwarding of %(instance)s"),
    "instances": gettext_lazy("Show the instances"),
    "quarantine": gettext_lazy("Show the rejected callbacks"),
    "health": gettext_lazy("Open Health"),
    "workers": gettext_lazy("Show the workers"),
    "audit": gettext_lazy("Show the audit log"),
    "channels": gettext_lazy("Show the channels"),
}


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """A page, the permission needed to open it, and the words of a link to it."""

    path: str
    permission: str
    words: str


def page_of(incident: Incident) -> IncidentPage:
    kind, instance = IncidentKind(incident.kind), incident.instance
    if instance is None:
        return _page(*_OF_ALL_INSTANCES.get(kind, ("instances", "view_instance")))
    if kind in _VIEWS:
        return messages_page(instance, _VIEWS[kind])
    if kind in (IncidentKind.QUARANTINE, IncidentKind.STRANGER):
        return _page("quarantine", "view_callback", f"?instance={instance.pk}")
    if kind in _OF_AN_INSTANCE:
        return _page(*_OF_AN_INSTANCE[kind], of=instance)
    return instance_page(instance)


def instance_page(instance: Instance) -> IncidentPage:
    return _page("instance", "view_instance", of=instance)


def _page(
    name: str, permission: str, more: str = "", *, of: Instance | None = None
) -> IncidentPage:
    path = reverse(f"dashboard:{name}", args=[of.pk] if of else [])
    words = _WORDS[name] % {"instance": of.name if of else ""}
    return IncidentPage(path + more, f"whatsapp.{permission}", words)


def messages_page(instance: Instance, view: str) -> IncidentPage:
    # Covers the same period as the count of stuck messages.
    period = _PERIODS[counted_days(instance)]
    query = urlencode({"view": view, "instance": instance.pk, "period": period})
    return _page("messages", "view_message", f"?{query}")
