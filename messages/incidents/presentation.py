"""An incident in words: what is wrong, in numbers, and what to do. In the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.domain.durations import duration
from messages.models import ForwardProblem, Incident, IncidentKind, Webhook

from .reconnecting import way_back
from .stuck_messages import Lately

Values = Mapping[str, Any]


def about(incident: Incident) -> str:
    """What it concerns: an instance's name, a machine's, a channel's, or nothing in particular."""
    return incident.instance.name if incident.instance else incident.place


def title(incident: Incident) -> str:
    name, subject = str(incident.get_kind_display()), about(incident)
    return f"{subject}: {name}" if subject else name


def part_of(incident: Incident) -> str:
    """What it turned out to follow from, '' for all that stands for itself."""
    cause = incident.values.get("part_of")
    return str(IncidentKind(cause).label) if cause in IncidentKind.values else ""


def happening(incident: Incident) -> str:
    words = _HAPPENING.get(incident.kind)
    return words(incident.values) if words else ""


def explanation(incident: Incident) -> str:
    """The same beside one stuck message: how many others there are does not explain it."""
    numbers = {"count", "stuck_count"}
    words = _HAPPENING.get(incident.kind)
    values = {name: value for name, value in incident.values.items() if name not in numbers}
    told = [words(values)] if words else []
    if values.get("queued"):
        told.append(_("This message was sent: it does not wait in that queue."))
    return " ".join(told)


def advice(incident: Incident) -> str:
    if incident.kind == IncidentKind.DISCONNECTED:
        return way_back(incident.values.get("status", ""), incident.values.get("smartphone"))
    return str(_ADVICE.get(incident.kind, ""))


def why_no_incident(stuck: int, lately: Lately) -> str:
    """Why nobody is told of so many stuck messages, where no incident tells of them."""
    if lately.is_incident:
        words = ngettext(
            "%(stuck)d message is stuck, and the threshold of an incident is reached: one opens "
            "unless it is delivered now.",
            "%(stuck)d messages are stuck, and the threshold of an incident is reached: one opens "
            "unless they are delivered now.",
            stuck,
        )
    else:
        words = ngettext(
            "%(stuck)d message is stuck, below the threshold of an incident: %(lately)d got "
            "stuck in the last hour, and %(threshold)d would open one.",
            "%(stuck)d messages are stuck, below the threshold of an incident: %(lately)d got "
            "stuck in the last hour, and %(threshold)d would open one.",
            stuck,
        )
    return words % {"stuck": stuck, "lately": lately.stuck, "threshold": lately.threshold}


def _about_minutes(seconds: float) -> str:
    """As exact as a silence is known."""
    return duration(timedelta(minutes=max(1, round(seconds / 60))))


def _disconnected(values: Values) -> str:
    sentences = [_("Z-API says that this number’s phone is not connected.")]
    if reason := values.get("reason"):
        words = _("Z-API says that this number’s phone is not connected: %s.")
        sentences = [words % reason.rstrip(".")]
    status = values.get("status")
    if status and status != reason:
        sentences.append(_("Its status: %s.") % status.rstrip("."))
    stuck = values.get("stuck_count")
    if stuck:
        sentences.append(_stuck_number(stuck))
    if values.get("queued"):
        sentences.append(_queued_until_it_reconnects(values))
    if stuck:
        sentences.append(_meaning_of_stuck())
    return " ".join(sentences)


def _stuck(values: Values) -> str:
    sentences = [_stuck_number(values["count"])] if "count" in values else []
    if values.get("queued"):
        sentences.append(in_queue(values))
    elif values.get("queued") == 0:
        sentences.append(
            _("Nothing is queued at Z-API: WhatsApp has them; the contacts’ phones may be off.")
        )
    sentences.append(_meaning_of_stuck())
    return " ".join(sentences)


def _stuck_number(count: int) -> str:
    if not count:
        return _("No message is stuck any more.")
    words = ngettext("%(count)d message is stuck.", "%(count)d messages are stuck.", count)
    return words % {"count": count}


def _meaning_of_stuck() -> str:
    return _("Stuck means sent, but not confirmed as delivered.")


def in_queue(values: Values) -> str:
    """How many wait in Z-API's queue: other messages than the stuck ones, which were sent."""
    count = values.get("queued") or 0
    if values.get("queued_is_least"):
        words = _("At least %(count)d messages wait in Z-API’s queue, not sent yet.")
    else:
        words = ngettext(
            "%(count)d message waits in Z-API’s queue, not sent yet.",
            "%(count)d messages wait in Z-API’s queue, not sent yet.",
            count,
        )
    return words % {"count": count}


def _queued_until_it_reconnects(values: Values) -> str:
    count = values["queued"]
    if values.get("queued_is_least"):
        words = _(
            "At least %(count)d messages wait in Z-API’s queue and are sent when the number "
            "reconnects."
        )
    else:
        words = ngettext(
            "%(count)d message waits in Z-API’s queue and is sent when the number reconnects.",
            "%(count)d messages wait in Z-API’s queue and are sent when the number reconnects.",
            count,
        )
    return words % {"count": count}


def _webhook(values: Values) -> str:
    missing = values.get("missing", ())
    taken = [hook for hook in values.get("hooks", ()) if hook not in missing]
    sentences = []
    if taken or not missing:
        sentences = [_("Z-API calls another URL than this board’s for: %s.") % _hooks(taken)]
    if missing:
        sentences.append(_("Z-API has no URL to call for: %s.") % _hooks(missing))
    if "silent_count" in values:
        sentences.append(_("Nothing is heard from this number any more."))
    return " ".join(sentences)


def _hooks(kinds: Iterable[str]) -> str:
    return ", ".join(Webhook(kind=kind).get_kind_display() for kind in kinds)


def _silent(values: Values) -> str:
    if values.get("never"):
        return _(
            "Nothing was ever heard from it, although it has been connected, with this board’s "
            "URL, for %s."
        ) % _about_minutes(values["silence"])
    names = {name: _about_minutes(values[name]) for name in ("silence", "usual")}
    return _("Nothing was heard for %(silence)s. At this time %(usual)s is usual.") % names


def _deaf(values: Values) -> str:
    return (
        _("%(count)d of %(of)d instances are silent at once, all for longer than is usual.")
        % values
    )


def _filtered(values: Values) -> str:
    words = _("Z-API holds these back by a filter, although their URL is set: %s.")
    return words % _hooks(values["hooks"])


def _number(values: Values) -> str:
    words = _("The number %(now)s is connected now instead of %(before)s.")
    return words % values


def _unreachable(values: Values) -> str:
    sentences = [_("Nobody knows whether it is connected, or whom its webhooks call.")]
    if "count" in values:
        words = _("Of %(count)d of %(of)d instances Z-API tells nothing.")
        sentences = [words % values]
    if problem := values.get("problem"):
        sentences.append(_(problem))  # stored in the source's language
    return " ".join(sentences)


def _failing(values: Values) -> str:
    words = ngettext(
        "%(failed)d of the last half hour’s %(sent)d message failed.",
        "%(failed)d of the last half hour’s %(sent)d messages failed.",
        values["sent"],
    )
    return words % values


def _forwarding(values: Values) -> str:
    problem = values.get("problem")
    sentences = [str(ForwardProblem(problem).label)] if problem else []
    if values.get("given_up"):
        sentences.append(_("Callbacks were set aside, because the receiver would not take them."))
    return " ".join(sentences)


def _stranger(values: Values) -> str:
    words = ngettext(
        "%(count)d callback came to this instance’s webhook, but names %(named)s.",
        "%(count)d callbacks came to this instance’s webhook, but name %(named)s.",
        values["count"],
    )
    return words % {"count": values["count"], "named": values["named"] or _("another instance")}


def _quarantine(values: Values) -> str:
    words = ngettext(
        "%(count)d callback could not be understood and is kept.",
        "%(count)d callbacks could not be understood and are kept.",
        values["count"],
    )
    return words % values


def _guessing(values: Values) -> str:
    words = ngettext(
        "%(count)d search for a phone number had no result within one hour.",
        "%(count)d searches for phone numbers had no result within one hour.",
        values["count"],
    )
    sentences = [words % values]
    if refused := values.get("refused"):
        words = ngettext("%(refused)d more was refused.", "%(refused)d more were refused.", refused)
        sentences.append(words % values)
    return " ".join(sentences)


def _spool(values: Values) -> str:
    sentences = []
    if waiting := values.get("waiting"):
        words = ngettext(
            "%(count)d callback waits on this machine’s disk to be stored.",
            "%(count)d callbacks wait on this machine’s disk to be stored.",
            waiting,
        )
        sentences.append(words % {"count": waiting})
    if refused := values.get("refused"):
        words = ngettext(
            "%(count)d was set aside: its instance is archived, or its key retired.",
            "%(count)d were set aside: their instance is archived, or their key retired.",
            refused,
        )
        sentences.append(words % {"count": refused})
    return " ".join(sentences)


def _expiring(values: Values) -> str:
    sentences = []
    if values.get("over"):
        sentences.append(_("It is paid for no longer: Z-API stops sending."))
    elif "days" in values:
        words = ngettext(
            "It is paid for %(days)d day more.",
            "It is paid for %(days)d days more.",
            values["days"],
        )
        sentences.append(words % {"days": values["days"]})
    if status := values.get("status"):
        sentences.append(_("Of its payment Z-API says: %s.") % status)
    return " ".join(sentences)


def _worker(values: Values) -> str:
    return _("The worker of this machine stopped without a word.")


def _job(values: Values) -> str:
    # In whole minutes; several run more often than that.
    every = duration(timedelta(minutes=max(1, round(values["every"] / 60))))
    return _("A worker is running, but this job is not. It should run at least every %s.") % every


def _channel(values: Values) -> str:
    sentences = [_("Nobody was told of anything through it for more than 10 minutes.")]
    if problem := values.get("problem"):
        sentences.append(_(problem))  # stored in the source's language
    return " ".join(sentences)


def _no_worker(values: Values) -> str:
    return _(
        "Callbacks are stored, but nothing else happens: no forwarding, no verifying, no alerts."
    )


_HAPPENING: Final[Mapping[str, Callable[[Values], str]]] = {
    IncidentKind.DISCONNECTED: _disconnected,
    IncidentKind.WEBHOOK: _webhook,
    IncidentKind.DEAF: _deaf,
    IncidentKind.FILTERED: _filtered,
    IncidentKind.NUMBER: _number,
    IncidentKind.SILENT: _silent,
    IncidentKind.UNREACHABLE: _unreachable,
    IncidentKind.STUCK: _stuck,
    IncidentKind.FAILING: _failing,
    IncidentKind.FORWARDING: _forwarding,
    IncidentKind.STRANGER: _stranger,
    IncidentKind.GUESSING: _guessing,
    IncidentKind.QUARANTINE: _quarantine,
    IncidentKind.SPOOL: _spool,
    IncidentKind.EXPIRING: _expiring,
    IncidentKind.WORKER: _worker,
    IncidentKind.JOB: _job,
    IncidentKind.CHANNEL: _channel,
    IncidentKind.NO_WORKER: _no_worker,
}
_ADVICE: Final[Mapping[str, Promise]] = {
    IncidentKind.WEBHOOK: gettext_lazy(
        "Push again to take it back, and forward to whoever had it, so that both hear."
    ),
    IncidentKind.NUMBER: gettext_lazy(
        "Messages are sent from the new number. If nobody meant to change it, disconnect it in "
        "Z-API’s panel and scan the QR code with the right phone."
    ),
    IncidentKind.SILENT: gettext_lazy(
        "Send a message through this number. If its status does not come, verify the webhook and "
        "the filters."
    ),
    IncidentKind.DEAF: gettext_lazy(
        "See whether Z-API reaches this server: its public address, certificate, proxy and "
        "firewall, and the process that takes callbacks."
    ),
    IncidentKind.FILTERED: gettext_lazy(
        "Take them out of the callback filters, in Z-API’s panel or by its call update-filters."
    ),
    IncidentKind.UNREACHABLE: gettext_lazy(
        "Where Z-API refuses it, check its id, its token and the Client-Token, and verify it again."
    ),
    IncidentKind.STUCK: gettext_lazy("Look at whom they are for, and at the instance in Z-API."),
    IncidentKind.FAILING: gettext_lazy("The failed messages say why."),
    IncidentKind.FORWARDING: gettext_lazy(
        "Check the receiver’s address and whether it answers; then put back what was set aside."
    ),
    IncidentKind.STRANGER: gettext_lazy(
        "In Z-API’s panel this instance’s webhook URL stands at another instance: push both again."
    ),
    IncidentKind.GUESSING: gettext_lazy(
        "Ask this person, or the owner of this API key, why. If nobody can say, block the account "
        "or revoke the key."
    ),
    IncidentKind.QUARANTINE: gettext_lazy("See why, then reprocess or discard them."),
    IncidentKind.SPOOL: gettext_lazy("Look at that machine’s worker and its way to the database."),
    IncidentKind.EXPIRING: gettext_lazy("Renew it in Z-API’s panel."),
    IncidentKind.WORKER: gettext_lazy("Start it again; its log says what happened."),
    IncidentKind.JOB: gettext_lazy(
        "The worker’s log says why. Check the clocks of the servers, then restart the worker."
    ),
    IncidentKind.CHANNEL: gettext_lazy("Correct the channel’s address, and send a test."),
    IncidentKind.NO_WORKER: gettext_lazy("Start one: manage.py worker."),
}
