"""Health: whether Statusboard keeps up with incoming callbacks."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from messages.accounts.audit import audit
from messages.accounts.masking import as_seen_by
from messages.accounts.scope import Viewer, is_limited, limited_to, visible_instances
from messages.dashboard.forwarding.receiver_rows import Line
from messages.dashboard.incidents.banner import attention_of
from messages.dashboard.shared.moments import Moment, moment
from messages.domain.causes import Cause
from messages.domain.failures import UNKNOWN, group_key
from messages.forwarding import COUNTED, busy_lines
from messages.ingest import SpoolUnavailableError, first_id_at, spool, spool_state
from messages.models import (
    Action,
    Callback,
    FollowUp,
    IncidentKind,
    Instance,
    Message,
    Outcome,
    QueuedMail,
)
from messages.models.follow_up import FollowUpQuerySet
from messages.models.message import UNKNOWN_FAILURE
from messages.monitoring import doctor
from messages.monitoring.backlog import oldest_follow_up
from messages.monitoring.doctor import Level, worst_level
from statusboard import __version__

from .parts import Part, Verdict

VIEW: Final = "whatsapp.view_callback"
CHANGE: Final = "whatsapp.change_callback"
MAX_FAILURES: Final = 10_000
MAX_FAILURE_TEXTS: Final = 50
_WEEK: Final = timedelta(days=7)
# The worker empties its queues within seconds.
_LATE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rejected callbacks; `instance` is the Z-API id if no such instance exists."""

    instance: str
    why: str
    number: int


@dataclass(frozen=True, slots=True)
class UnknownType:
    """One unknown callback type.

    `number` counts its callbacks, `read` those that were processed as a status.
    """

    type: str
    number: int
    read: int


@dataclass(frozen=True, slots=True)
class UnknownFailure:
    """A reason that is not in the catalogue: how many messages failed, and the newest of them."""

    reason: str
    number: int
    newest: Moment


@dataclass(frozen=True, slots=True)
class FullShare:
    """An instance that has used up its share of the offline buffer."""

    instance: str
    callbacks: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Queue:
    """How many wait, and since when."""

    number: int
    oldest: Moment | None

    @property
    def is_late(self) -> bool:
        return self.oldest is not None and timezone.now() - self.oldest.value > _LATE


@require_safe
@permission_required(VIEW, raise_exception=True)
def health(request: HttpRequest) -> HttpResponse:
    state = spool_state()
    may_act = request.user.has_perm(CHANGE)
    rejected = limited_to(request.user, Callback.objects.awaiting_decision())
    context: dict[str, Any] = {
        "spool": state,
        "spool_oldest": moment(state.oldest),
        "full": list(_full_shares(request.user)) if state.waiting or state.refused else [],
        "set_aside": list(_rejected(request.user)) if state.refused else [],
        "follow_ups": _follow_ups(),
        "follow_ups_set_aside": _follow_ups_set_aside(request.user)[: COUNTED + 1].count(),
        "mails": _mails(),
        "rejected": rejected[: COUNTED + 1].count(),
        "unknown_types": _unknown_types(request.user),
        "unknown_failures": _unknown_failures(request.user),
        "max_failures": MAX_FAILURES,
        "lines": [Line(one) for one in busy_lines(visible_instances(request.user))],
        "may_act": may_act,
        # They name folders of the server.
        "checks": doctor.run_local() if may_act else [],
        "last_callback": _last_callback(request.user),
        "version": __version__,
        "commit": settings.BUILD_COMMIT,
    }
    parts = list(_parts(context))
    context |= {
        "verdict": Verdict.of(parts, attention_of(request.user)),
        "wrong": [one for one in parts if not one.is_fine],
        "fine": [one for one in parts if one.is_fine],
    }
    return render(request, "dashboard/health/health.html", context)


def _parts(context: dict[str, Any]) -> Iterator[Part]:
    state, follow_ups, lines = context["spool"], context["follow_ups"], context["lines"]
    level = _warning_if(state.waiting or state.refused)
    level = Level.PROBLEM if state.problem else level
    yield Part("spool", _("Offline buffer"), "spool", level, {IncidentKind.SPOOL})
    level = _warning_if(follow_ups.is_late or context["follow_ups_set_aside"])
    yield Part("follow_ups", _("Processing queue"), "follow-ups", level)
    yield Part("mails", _("E-mails"), "mails", _warning_if(context["mails"].is_late))
    level, kinds = (
        _warning_if(context["rejected"]),
        {IncidentKind.QUARANTINE, IncidentKind.STRANGER},
    )
    yield Part("quarantine", _("Rejected callbacks"), "quarantine", level, kinds)
    if lines:
        anchor = f"line-{max(lines, key=lambda line: line.is_wrong).webhook.pk}"
        level = _warning_if(any(line.is_wrong for line in lines))
        yield Part("lines", _("Forwarding"), anchor, level, {IncidentKind.FORWARDING})
    if checks := context["checks"]:
        level = worst_level(one.level for one in checks)
        wrong = {one.name for one in checks if one.level is not Level.OK}
        kinds = {IncidentKind.NO_WORKER, IncidentKind.JOB} if wrong == {"worker"} else set()
        yield Part("checks", _("This server"), "checks", level, kinds)


def _warning_if(wrong: object) -> Level:
    return Level.WARNING if wrong else Level.OK


@permission_required(CHANGE, raise_exception=True)
@require_POST
def spool_retry(request: HttpRequest) -> HttpResponse:
    number = spool.retry_refused(_visible_ids(request.user) if is_limited(request.user) else None)
    audit(request, Action.REPLAYED, details={"spooled": number})
    message = ngettext(
        "%(number)d callback is waiting again. The worker retries it within seconds.",
        "%(number)d callbacks are waiting again. The worker retries them within seconds.",
        number,
    )
    flash.success(request, message % {"number": number})
    return redirect("dashboard:health")


@permission_required(CHANGE, raise_exception=True)
@require_POST
def follow_ups_retry(request: HttpRequest) -> HttpResponse:
    number = _follow_ups_set_aside(request.user).update(set_aside_at=None)
    audit(request, Action.REPLAYED, details={"follow-ups": number})
    return redirect("dashboard:health")


def _rejected(user: Viewer) -> Iterator[Rejected]:
    """Rejected callbacks of the user's instances.

    Users without limits also see those with unknown instance ids.
    """
    names = dict(Instance.objects.values_list("zapi_id", "name"))
    visible = _visible_ids(user)
    shows_unknown = not is_limited(user)
    groups = (
        spool.refused().order_by("zapi_id", "cause").values_list("zapi_id", "cause", "cause_values")
    )
    for zapi_id, cause, values, number in groups.annotate(number=Count("pk")):
        if zapi_id in visible or (shows_unknown and zapi_id not in names):
            yield Rejected(names.get(zapi_id, zapi_id), Cause.text(cause, values), number)


def _unknown_types(user: Viewer) -> list[UnknownType]:
    """Count the types among the newest thousand callbacks of unknown types in the last week."""
    since = first_id_at(timezone.now() - _WEEK)
    callbacks = limited_to(user, Callback.objects.of_unknown_types().filter(pk__gte=since))
    newest = callbacks.defer("body").order_by("-pk")[:COUNTED]
    counted = Counter(
        (one.type, one.outcome == Outcome.QUARANTINED) for one in as_seen_by(user, newest)
    )
    types = sorted({type_ for type_, _is_kept in counted})
    return [
        UnknownType(one, counted[one, True] + counted[one, False], counted[one, False])
        for one in types
    ]


def _unknown_failures(user: Viewer) -> list[UnknownFailure]:
    """Similar texts of the newest failures, most frequent first."""
    unknown = limited_to(user, Message.objects.filter(UNKNOWN_FAILURE, failure_code=UNKNOWN))
    newest = unknown.order_by("-started_at", "-id").values_list("failure", "started_at")
    groups: dict[str, UnknownFailure] = {}
    for reason, at in newest[:MAX_FAILURES]:
        key = group_key(reason)
        before = groups.get(key)
        groups[key] = (
            replace(before, number=before.number + 1)
            if before
            else UnknownFailure(reason, 1, Moment(at))
        )
    found = sorted(groups.values(), key=lambda one: one.number, reverse=True)
    return found[:MAX_FAILURE_TEXTS]


def _last_callback(user: Viewer) -> Moment | None:
    listed = visible_instances(user).active().with_last_heard()
    times = [one.last_heard_at for one in listed if one.last_heard_at]
    return moment(max(times, default=None))


def _visible_ids(user: Viewer) -> set[str]:
    return set(visible_instances(user).values_list("zapi_id", flat=True))


def _follow_ups_set_aside(user: Viewer) -> FollowUpQuerySet:
    return limited_to(user, FollowUp.objects.set_aside())


def _mails() -> Queue:
    oldest = QueuedMail.objects.order_by("created_at").values_list("created_at", flat=True).first()
    number = QueuedMail.objects.all()[: COUNTED + 1].count() if oldest else 0
    return Queue(number, moment(oldest))


def _full_shares(user: Viewer) -> Iterator[FullShare]:
    """Only the user's instances. An unreadable spool is reported elsewhere on the page."""
    visible = dict(visible_instances(user).values_list("zapi_id", "name"))
    with suppress(SpoolUnavailableError):
        for zapi_id, used in spool.full().items():
            if zapi_id in visible:
                yield FullShare(visible[zapi_id], used.callbacks, used.bytes)


def _follow_ups() -> Queue:
    oldest = moment(oldest_follow_up())
    number = FollowUp.objects.waiting()[: COUNTED + 1].count() if oldest else 0
    return Queue(number, oldest)
