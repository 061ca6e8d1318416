"""Instances without callbacks, and the case that nearly all instances have none."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from messages.incidents.findings import Finding, Snapshot, affects_most
from messages.incidents.usual_silence import UsualSilence
from messages.instances.callback_filters import filtered_webhooks
from messages.models import IncidentKind, Instance, Rhythm, Webhook, WebhookKind, WebhookState

# An active instance has sent a message and received its status by then.
_FIRST_WITHIN: Final = timedelta(hours=24)


def silent_instances(snapshot: Snapshot) -> Iterator[Finding]:
    """No callbacks for longer than usual, or none ever.

    If the instance is disconnected, grouping merges this finding into that incident.
    """
    rhythms = _rhythms()
    for instance in snapshot.instances:
        last_received = _last_received(instance, snapshot)
        values = (
            _unusual_silence(instance, rhythms.get(instance.pk), last_received, snapshot.now)
            if last_received
            else _never_received(instance, snapshot.now)
        )
        if values:
            since = last_received or snapshot.now - timedelta(seconds=values["silence"])
            yield Finding(IncidentKind.SILENT, instance, values=values, since=since)


def no_callbacks(snapshot: Snapshot) -> Iterator[Finding]:
    """Most instances are silent at once: the cause is this server, or its network."""
    rhythms = _rhythms()
    listening = [
        one for one in snapshot.instances if one.pk in rhythms and not _has_own_reason(one)
    ]
    silences = [
        one
        for one in listening
        if (last_received := _last_received(one, snapshot))
        and _unusual_silence(one, rhythms[one.pk], last_received, snapshot.now)
    ]
    if affects_most(len(silences), listening):
        values = {"count": len(silences), "of": len(listening)}
        yield Finding(IncidentKind.DEAF, values=values)


def _rhythms() -> Mapping[int, Rhythm]:
    return {one.instance_id: one for one in Rhythm.objects.all() if one.hours}


def _last_received(instance: Instance, snapshot: Snapshot) -> datetime | None:
    """The last callback may have been purged; then the open incident still knows its time."""
    if instance.last_heard_at:
        return instance.last_heard_at
    incident = snapshot.open_incident(IncidentKind.SILENT, instance)
    last_received = incident.values.get("heard") if incident else None
    return datetime.fromisoformat(last_received) if last_received else None


def _unusual_silence(
    instance: Instance, rhythm: Rhythm | None, last_received: datetime, now: datetime
) -> Mapping[str, Any] | None:
    if rhythm is None:
        return None
    pace = UsualSilence(tuple(rhythm.hours), rhythm.longest)
    floor = 60 * instance.silence_floor
    if not pace.is_unusual(last_received, now, factor=instance.silence_factor, floor=floor):
        return None
    return {
        "heard": last_received.isoformat(),
        "silence": int((now - last_received).total_seconds()),
        "usual": int(pace.usual(now)),
    }


def _never_received(instance: Instance, now: datetime) -> Mapping[str, Any] | None:
    """Connected with our URL for a day, and no callback ever."""
    webhooks = {webhook.kind: webhook for webhook in instance.webhooks.all()}
    main = webhooks.get(WebhookKind.MESSAGE_STATUS)
    if main is None or instance.connected is not True or any(map(_received_any, webhooks.values())):
        return None
    # A URL that was set by hand in Z-API's panel was never pushed.
    is_by_hand = main.state == WebhookState.IN_SYNC
    pushed_at = main.pushed_at or (instance.created_at if is_by_hand else None)
    if not main.is_wanted or pushed_at is None:
        return None
    since = max(pushed_at, instance.connection_changed_at or pushed_at)
    if now - since < _FIRST_WITHIN:
        return None
    return {"never": True, "silence": int((now - since).total_seconds())}


def _received_any(webhook: Webhook) -> bool:
    return webhook.heard_at is not None


def _has_own_reason(instance: Instance) -> bool:
    """Whether the instance has its own reason to be silent."""
    webhooks = instance.webhooks.all()
    return (
        instance.connected is False
        or any(one.state == WebhookState.DIFFERS for one in webhooks)
        or bool(filtered_webhooks(instance, webhooks))
    )
