"""The incident rules, one per file.

A rule returns what is wrong now. It does not open or resolve incidents, but its threshold may be
lower for an incident that is already open.
"""

from collections.abc import Mapping

from messages.incidents.findings import Rule
from messages.models import IncidentKind

from .channels import channels_failing
from .disconnected import disconnected
from .expiring import expiring
from .failing import failing
from .filtered import filtered
from .forwarding import forwarding
from .guessing import guessing
from .number import number_changed
from .quarantine import misdirected_callbacks, quarantine
from .restricted import restricted
from .silent import no_callbacks, silent_instances
from .spool import spool
from .stuck import stuck_messages
from .unconfirmed import unconfirmed_messages
from .unreachable import unreachable
from .webhook import webhook_differs
from .workers import jobs_overdue, missing_workers, no_worker

RULES: Mapping[IncidentKind, Rule] = {
    IncidentKind.DISCONNECTED: disconnected,
    IncidentKind.WEBHOOK: webhook_differs,
    IncidentKind.RESTRICTED: restricted,
    IncidentKind.DEAF: no_callbacks,
    IncidentKind.FILTERED: filtered,
    IncidentKind.NUMBER: number_changed,
    IncidentKind.SILENT: silent_instances,
    IncidentKind.UNREACHABLE: unreachable,
    IncidentKind.UNCONFIRMED: unconfirmed_messages,
    IncidentKind.STUCK: stuck_messages,
    IncidentKind.FAILING: failing,
    IncidentKind.FORWARDING: forwarding,
    IncidentKind.STRANGER: misdirected_callbacks,
    IncidentKind.GUESSING: guessing,
    IncidentKind.QUARANTINE: quarantine,
    IncidentKind.SPOOL: spool,
    IncidentKind.EXPIRING: expiring,
    IncidentKind.NO_WORKER: no_worker,
    IncidentKind.WORKER: missing_workers,
    IncidentKind.JOB: jobs_overdue,
    IncidentKind.CHANNEL: channels_failing,
}
