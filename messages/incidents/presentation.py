"""Describes an incident in the reader's language: what is wrong and what to do."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messages.domain.durations import duration
from messages.domain.failures import FAILURES
from messages.domain.problems import Problem
from messages.models import Incident, IncidentKind, Webhook

from .stuck_messages import RecentCounts, counted_days

Values = Mapping[str, Any]


def subject_of(incident: Incident) -> str:
    """The name of the instance, server or channel; '' if it concerns all of them."""
    return incident.instance.name if incident.instance else incident.place


def title(incident: Incident) -> str:
    subject = subject_of(incident)
    if incident.kind == IncidentKind.DISCONNECTED:
        return _("%s is disconnected") % subject
    if incident.kind == IncidentKind.RESTRICTED:
        return _("%s is restricted by WhatsApp") % subject
    return f"{subject}: {name(incident)}" if subject else name(incident)


def name(incident: Incident) -> str:
    """The title without the subject."""
    if incident.kind == IncidentKind.WEBHOOK and incident.values.get("foreign"):
        return _("Used by another system")
    return str(incident.get_kind_display())


def part_of(incident: Incident) -> str:
    """The kind of incident it was merged into, or ''."""
    cause = incident.values.get("part_of")
    return str(IncidentKind(cause).label) if cause in IncidentKind.values else ""


def description(incident: Incident) -> str:
    describe, values = _DESCRIPTIONS.get(incident.kind), incident.values
    if incident.instance:
        values = {**values, "counted_days": counted_days(incident.instance)}
    sentences = [describe(values)] if describe else []
    if count := incident.values.get("unconfirmed_count"):  # of a merged incident
        sentences.append(_unconfirmed({"count": count}))
    return " ".join(sentences)


def explanation(incident: Incident) -> str:
    """The description next to one stuck message, without the counts of messages."""
    numbers = {"count", "stuck_count", "unconfirmed_count"}
    describe = _DESCRIPTIONS.get(incident.kind)
    values = {name: value for name, value in incident.values.items() if name not in numbers}
    sentences = [describe(values)] if describe else []
    if values.get("queued"):
        sentences.append(_("This message was already sent, so it is not in Z-API’s queue."))
    return " ".join(sentences)


def advice(incident: Incident) -> str:
    if incident.kind == IncidentKind.DISCONNECTED:
        return reconnect_advice(
            incident.values.get("status", ""), incident.values.get("smartphone")
        )
    return str(_ADVICE.get(incident.kind, ""))


def who_acts(incident: Incident) -> str:
    """Who can follow the advice, and whether support can do anything."""
    sentence = _("Who acts: %(who)s.") % {"who": _DOERS.get(incident.kind, _ADMIN)}
    if incident.kind in _SUPPORT_MAY_ACT:
        return sentence
    support = _("Support cannot solve this.")
    return f"{sentence} {support}"


def reconnect_advice(status_error: str, smartphone: bool | None) -> str:
    """Return the advice in the reader's language."""
    sentences = [_remedy(status_error)]
    if smartphone is False:
        sentences.insert(0, _("Check that the phone is on and has an internet connection."))
    return " ".join(sentences)


def _remedy(status_error: str) -> str:
    text = " ".join(status_error.lower().split())
    if "restore the session" in text:
        return _("Restart the instance in Z-API’s panel. No QR code is needed.")
    if "already connected" in text:
        return _(
            "Z-API’s reports contradict each other. Restart the instance in Z-API’s panel, then "
            "verify it here."
        )
    if "not connected" in text:
        return _(
            "Reconnect: open Z-API’s panel and scan the QR code with the phone, or enter the phone "
            "code in WhatsApp."
        )
    return _(
        "Restart the instance in Z-API’s panel. If that does not help, scan the QR code there with "
        "the phone, or enter the phone code in WhatsApp."
    )


def why_no_incident(stuck: int, recent_counts: RecentCounts) -> str:
    """Explain why stuck messages have no open incident."""
    if recent_counts.is_incident:
        text = ngettext(
            "%(stuck)d message is stuck, enough for an alert. If it is not delivered soon, a "
            "problem opens.",
            "%(stuck)d messages are stuck, enough for an alert. If they are not delivered soon, "
            "a problem opens.",
            stuck,
        )
    else:
        text = ngettext(
            "%(stuck)d message is stuck. %(lately)d became stuck in the last hour; an alert "
            "needs %(threshold)d.",
            "%(stuck)d messages are stuck. %(lately)d became stuck in the last hour; an alert "
            "needs %(threshold)d.",
            stuck,
        )
    return text % {
        "stuck": stuck,
        "lately": recent_counts.stuck,
        "threshold": recent_counts.threshold,
    }


def _problem(values: Values) -> str:
    return Problem.text(values.get("problem", ""), values.get("problem_values"))


def _about_minutes(seconds: float) -> str:
    """A silence is only known to the minute."""
    return duration(timedelta(minutes=max(1, round(seconds / 60))))


def _disconnected(values: Values) -> str:
    sentences = [_("Z-API reports that the phone is not connected.")]
    if reason := values.get("reason"):
        text = _("Z-API: “%s”.")
        sentences = [text % reason.rstrip(".")]
    status = values.get("status")
    if status and status != reason:
        sentences.append(_("Z-API status: “%s”.") % status.rstrip("."))
    if stuck := values.get("stuck_count"):
        sentences.append(_stuck_number(stuck, values))
    if values.get("queued"):
        sentences.append(_queued_until_it_reconnects(values))
    return " ".join(sentences)


def _restricted(values: Values) -> str:
    text = ngettext(
        "WhatsApp refused %(refused)d message from this number and has accepted none since.",
        "WhatsApp refused %(refused)d messages from this number and has accepted none since.",
        values["refused"],
    )
    sentences = [text % values]
    if "gap" in values:
        text = _("The last successful message was sent %s before the first refusal.")
        sentences.append(text % duration(timedelta(seconds=values["gap"])))
    if stuck := values.get("stuck_count"):
        sentences.append(_stuck_number(stuck, values))
    return " ".join(sentences)


def _stuck(values: Values) -> str:
    if "count" in values:
        sentences = [_stuck_number(values["count"], values)]
    else:
        sentences = [_("Stuck means sent, but not confirmed as delivered.")]
    if values.get("queued"):
        sentences.append(in_queue(values))
    elif values.get("queued") == 0:
        sentences.append(
            _("Z-API’s queue is empty: WhatsApp has the messages. The contacts’ phones may be off.")
        )
    return " ".join(sentences)


def _unconfirmed(values: Values) -> str:
    text = ngettext(
        "Your software announced %(count)d message about which Z-API has reported nothing.",
        "Your software announced %(count)d messages about which Z-API has reported nothing.",
        values["count"],
    )
    sentences = [text % values]
    if "waiting" in values:
        length = _about_minutes(values["waiting"])
        sentences.append(_("The oldest was announced %s ago.") % length)
    return " ".join(sentences)


def _stuck_number(count: int, values: Values) -> str:
    """The number together with the days that it covers."""
    if not count:
        return _("No messages are stuck now.")
    days = values.get("counted_days")
    if days is None:
        text = ngettext(
            "%(count)d message is stuck: sent, but not confirmed as delivered.",
            "%(count)d messages are stuck: sent, but not confirmed as delivered.",
            count,
        )
    elif days == 1:
        text = ngettext(
            "%(count)d message of the last 24 hours is stuck: sent, but not confirmed as "
            "delivered.",
            "%(count)d messages of the last 24 hours are stuck: sent, but not confirmed as "
            "delivered.",
            count,
        )
    else:
        text = ngettext(
            "%(count)d message of the last %(days)d days is stuck: sent, but not confirmed as "
            "delivered.",
            "%(count)d messages of the last %(days)d days are stuck: sent, but not confirmed as "
            "delivered.",
            count,
        )
    return text % {"count": count, "days": days}


def what_counts_as_stuck(days: int) -> str:
    """Explain a number of stuck messages that covers so many days."""
    if days == 1:
        return _("Stuck: sent in the last 24 hours, but not confirmed as delivered.")
    text = _("Stuck: sent in the last %(days)d days, but not confirmed as delivered.")
    return text % {"days": days}


def in_queue(values: Values) -> str:
    """The number of messages in Z-API's queue.

    Stuck messages have already been sent, so they are not in this queue.
    """
    count = values.get("queued") or 0
    if values.get("queued_is_least"):
        text = _("At least %(count)d messages wait in Z-API’s queue, not sent yet.")
    else:
        text = ngettext(
            "%(count)d message waits in Z-API’s queue, not sent yet.",
            "%(count)d messages wait in Z-API’s queue, not sent yet.",
            count,
        )
    return text % {"count": count}


def _queued_until_it_reconnects(values: Values) -> str:
    count = values["queued"]
    if values.get("queued_is_least"):
        text = _(
            "At least %(count)d messages wait in Z-API’s queue and are sent when the number "
            "reconnects."
        )
    else:
        text = ngettext(
            "%(count)d message waits in Z-API’s queue and will be sent when the number reconnects.",
            "%(count)d messages wait in Z-API’s queue and will be sent when the number reconnects.",
            count,
        )
    return text % {"count": count}


def _webhook(values: Values) -> str:
    missing, foreign = values.get("missing", ()), values.get("foreign", ())
    old = [hook for hook in values.get("hooks", ()) if hook not in (*missing, *foreign)]
    sentences = []
    if foreign:
        sentences.append(_("Z-API calls the URL of another system for: %s.") % _hooks(foreign))
    if old or not (missing or foreign):
        sentences.append(
            _("Z-API calls another URL instead of Statusboard’s for: %s.") % _hooks(old)
        )
    if missing:
        sentences.append(_("Z-API has no URL for: %s.") % _hooks(missing))
    if "silent_count" in values:
        sentences.append(_("No callbacks from this number."))
    return " ".join(sentences)


def _hooks(kinds: Iterable[str]) -> str:
    return ", ".join(Webhook(kind=kind).get_kind_display() for kind in kinds)


def _silent(values: Values) -> str:
    if values.get("never"):
        return _(
            "No callback has arrived, although the number is connected and Z-API has had "
            "Statusboard’s URL for %s."
        ) % _about_minutes(values["silence"])
    names = {name: _about_minutes(values[name]) for name in ("silence", "usual")}
    return _("No callbacks for %(silence)s (usual at this time: %(usual)s).") % names


def _no_callbacks(values: Values) -> str:
    return _("%(count)d of %(of)d instances have sent no callbacks for longer than usual.") % values


def _filtered(values: Values) -> str:
    text = _("The URL is set, but a filter at Z-API blocks these callbacks: %s.")
    return text % _hooks(values["hooks"])


def _number(values: Values) -> str:
    text = _("The connected number is now %(now)s (before: %(before)s).")
    return text % values


def _unreachable(values: Values) -> str:
    sentences = [_("Connection and webhook state unknown.")]
    if "count" in values:
        text = _("Z-API gives no data for %(count)d of %(of)d instances.")
        sentences = [text % values]
    return " ".join([*sentences, _problem(values)]).rstrip()


def _failing(values: Values) -> str:
    text = ngettext(
        "%(failed)d of %(sent)d message failed in the last 30 minutes.",
        "%(failed)d of %(sent)d messages failed in the last 30 minutes.",
        values["sent"],
    )
    known = FAILURES.get(values.get("reason", ""))
    main = _("Main reason: %(reason)s") % {"reason": known.text} if known else ""
    return f"{text % values} {main}".rstrip()


def _forwarding(values: Values) -> str:
    sentences = list(filter(None, [_problem(values)]))
    if values.get("given_up"):
        sentences.append(
            _("The receiver rejected some callbacks. They are kept and can be retried.")
        )
    return " ".join(sentences)


def _misdirected(values: Values) -> str:
    text = ngettext(
        "%(count)d callback reached this instance’s webhook but belongs to %(named)s.",
        "%(count)d callbacks reached this instance’s webhook but belong to %(named)s.",
        values["count"],
    )
    return text % {"count": values["count"], "named": values["named"] or _("another instance")}


def _quarantine(values: Values) -> str:
    text = ngettext(
        "%(count)d callback could not be parsed. It is kept.",
        "%(count)d callbacks could not be parsed. They are kept.",
        values["count"],
    )
    return text % values


def _guessing(values: Values) -> str:
    text = ngettext(
        "%(count)d phone number search found nothing within one hour.",
        "%(count)d phone number searches found nothing within one hour.",
        values["count"],
    )
    sentences = [text % values]
    if refused := values.get("refused"):
        text = ngettext(
            "%(refused)d more search was blocked.",
            "%(refused)d more searches were blocked.",
            refused,
        )
        sentences.append(text % values)
    return " ".join(sentences)


def _spool(values: Values) -> str:
    sentences = []
    if waiting := values.get("waiting"):
        text = ngettext(
            "%(count)d callback is waiting in this server’s offline buffer.",
            "%(count)d callbacks are waiting in this server’s offline buffer.",
            waiting,
        )
        sentences.append(text % {"count": waiting})
    if refused := values.get("refused"):
        text = ngettext(
            "%(count)d callback was rejected: its instance is archived or its key is disabled.",
            "%(count)d callbacks were rejected: their instance is archived or their key is "
            "disabled.",
            refused,
        )
        sentences.append(text % {"count": refused})
    return " ".join(sentences)


def _expiring(values: Values) -> str:
    sentences = []
    if values.get("over"):
        sentences.append(_("Subscription expired: Z-API has stopped sending."))
    elif "days" in values:
        text = ngettext(
            "%(days)d day left on the subscription.",
            "%(days)d days left on the subscription.",
            values["days"],
        )
        sentences.append(text % {"days": values["days"]})
    if status := values.get("status"):
        sentences.append(_("Z-API payment status: %s.") % status)
    return " ".join(sentences)


def _worker(values: Values) -> str:
    return _("This server’s worker stopped unexpectedly.")


def _job(values: Values) -> str:
    # In whole minutes, although some jobs run more often.
    every = duration(timedelta(minutes=max(1, round(values["every"] / 60))))
    return _("A worker is running, but this job is not. It should run at least every %s.") % every


def _channel(values: Values) -> str:
    sentences = [_("Notifications through this channel have failed for over 10 minutes.")]
    return " ".join([*sentences, _problem(values)]).rstrip()


def _no_worker(values: Values) -> str:
    return _("Callbacks are stored, but nothing else runs: no forwarding, no checks, no alerts.")


_DESCRIPTIONS: Final[Mapping[str, Callable[[Values], str]]] = {
    IncidentKind.DISCONNECTED: _disconnected,
    IncidentKind.WEBHOOK: _webhook,
    IncidentKind.RESTRICTED: _restricted,
    IncidentKind.DEAF: _no_callbacks,
    IncidentKind.FILTERED: _filtered,
    IncidentKind.NUMBER: _number,
    IncidentKind.SILENT: _silent,
    IncidentKind.UNREACHABLE: _unreachable,
    IncidentKind.UNCONFIRMED: _unconfirmed,
    IncidentKind.STUCK: _stuck,
    IncidentKind.FAILING: _failing,
    IncidentKind.FORWARDING: _forwarding,
    IncidentKind.STRANGER: _misdirected,
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
        "In the section “Webhook” of the instance, choose “Replace and forward” if another system "
        "needs these callbacks, or else “Replace URL”. Z-API then calls Statusboard again."
    ),
    IncidentKind.RESTRICTED: gettext_lazy(
        "Stop sending from this number and wait, often for a day. Do not reconnect the number. "
        "Then send one message to a contact who writes to you often."
    ),
    IncidentKind.NUMBER: gettext_lazy(
        "Messages are now sent from the new number. If this is a mistake, disconnect it in "
        "Z-API’s panel and scan the QR code with the right phone."
    ),
    IncidentKind.SILENT: gettext_lazy(
        "Send a message through this number. If no status arrives, verify the webhooks of the "
        "instance, then check the filters in Z-API’s panel."
    ),
    IncidentKind.DEAF: gettext_lazy(
        "Check that Z-API can reach this server: public URL, certificate, proxy, firewall and "
        "web server."
    ),
    IncidentKind.FILTERED: gettext_lazy(
        "Remove these callbacks from the filters in Z-API’s panel, or use Z-API’s call "
        "update-filters."
    ),
    IncidentKind.UNREACHABLE: gettext_lazy(
        "If Z-API refuses access, check the instance id, its token and the Client-Token. "
        "Then verify again."
    ),
    IncidentKind.UNCONFIRMED: gettext_lazy(
        "Check that Z-API answered 200 when your software sent the messages, that the labels have "
        "the ids from these answers, and that Z-API calls the webhook “Dispatch”."
    ),
    IncidentKind.STUCK: gettext_lazy(
        "Open the stuck messages: the oldest is first. If they went to many recipients, check the "
        "instance in Z-API’s panel. Otherwise wait: the phones may be off. Do not send them again."
    ),
    IncidentKind.FAILING: gettext_lazy(
        "Open the failed messages. Each one shows the reason, and whether to send it again."
    ),
    IncidentKind.FORWARDING: gettext_lazy(
        "Check the receiver’s URL and that it answers. Then retry the failed callbacks."
    ),
    IncidentKind.STRANGER: gettext_lazy(
        "In Z-API’s panel, another instance uses this instance’s webhook URL. Push the "
        "webhooks of both again."
    ),
    IncidentKind.GUESSING: gettext_lazy(
        "Ask this person, or the owner of this API key, for the reason. If there is no good "
        "reason, deactivate the account or revoke the key."
    ),
    IncidentKind.QUARANTINE: gettext_lazy(
        "Open the rejected callbacks and read the cause. Then reprocess or discard them."
    ),
    IncidentKind.SPOOL: gettext_lazy("Check that server’s worker and its database connection."),
    IncidentKind.EXPIRING: gettext_lazy("Renew the subscription in Z-API’s panel."),
    IncidentKind.WORKER: gettext_lazy("Start the worker again, and read the cause in its log."),
    IncidentKind.JOB: gettext_lazy(
        "Look for the cause in the worker’s log. Check the servers’ clocks, then restart the "
        "worker."
    ),
    IncidentKind.CHANNEL: gettext_lazy("Correct the channel’s destination, then send a test."),
    IncidentKind.NO_WORKER: gettext_lazy("Start a worker: manage.py worker."),
}
_ADMIN: Final = gettext_lazy("an admin of Statusboard")
_SERVER: Final = gettext_lazy("whoever runs Statusboard’s server")
_PANEL: Final = gettext_lazy("whoever has access to Z-API’s panel")
_DOERS: Final[Mapping[str, Promise]] = {
    IncidentKind.DISCONNECTED: gettext_lazy(
        "whoever has this number’s phone and access to Z-API’s panel"
    ),
    IncidentKind.RESTRICTED: gettext_lazy("whoever sends messages from this number"),
    IncidentKind.NO_WORKER: _SERVER,
    IncidentKind.DEAF: _SERVER,
    IncidentKind.FILTERED: _PANEL,
    IncidentKind.NUMBER: _PANEL,
    IncidentKind.UNCONFIRMED: gettext_lazy("the developers of the software that sends"),
    IncidentKind.STUCK: gettext_lazy("support, and whoever has access to Z-API’s panel"),
    IncidentKind.FAILING: gettext_lazy("support"),
    IncidentKind.FORWARDING: gettext_lazy("whoever runs the receiving system, then an admin"),
    IncidentKind.SPOOL: _SERVER,
    IncidentKind.WORKER: _SERVER,
    IncidentKind.JOB: _SERVER,
    IncidentKind.EXPIRING: _PANEL,
}
_SUPPORT_MAY_ACT: Final = {IncidentKind.RESTRICTED, IncidentKind.STUCK, IncidentKind.FAILING}
