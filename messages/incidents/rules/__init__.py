"""What is looked for, a rule a file.

Each finds what is wrong now; opening and resolving is not its business, except that it may be
milder on what is open already.
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
from .quarantine import quarantine, strangers
from .silent import deaf, silent
from .spool import spool
from .stuck import stuck_messages
from .unreachable import unreachable
from .webhook import webhook_differs
from .workers import jobs_overdue, nobody_works, workers_gone

RULES: Mapping[IncidentKind, Rule] = {
    IncidentKind.DISCONNECTED: disconnected,
    IncidentKind.WEBHOOK: webhook_differs,
    IncidentKind.DEAF: deaf,
    IncidentKind.FILTERED: filtered,
    IncidentKind.NUMBER: number_changed,
    IncidentKind.SILENT: silent,
    IncidentKind.UNREACHABLE: unreachable,
    IncidentKind.STUCK: stuck_messages,
    IncidentKind.FAILING: failing,
    IncidentKind.FORWARDING: forwarding,
    IncidentKind.STRANGER: strangers,
    IncidentKind.GUESSING: guessing,
    IncidentKind.QUARANTINE: quarantine,
    IncidentKind.SPOOL: spool,
    IncidentKind.EXPIRING: expiring,
    IncidentKind.NO_WORKER: nobody_works,
    IncidentKind.WORKER: workers_gone,
    IncidentKind.JOB: jobs_overdue,
    IncidentKind.CHANNEL: channels_failing,
}
