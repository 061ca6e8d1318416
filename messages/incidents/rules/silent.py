"""Instances of which nothing is heard, and a board that hears nothing at all."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from messages.incidents.findings import Finding, Watch, is_most
from messages.incidents.usual_silence import UsualSilence
from messages.instances.callback_filters import held_back
from messages.models import IncidentKind, Instance, Rhythm, Webhook, WebhookKind, WebhookState

# Whoever sends at all has sent something by then, and its status has come.
_HEARD_WITHIN: Final = timedelta(hours=24)


def silent(watch: Watch) -> Iterator[Finding]:
    """Nothing comes for longer than is its habit, or ever. That it is disconnected explains it."""
    rhythms = _rhythms()
    for instance in watch.instances:
        heard = _last_heard(instance, watch)
        values = (
            _unusual(instance, rhythms.get(instance.pk), heard, watch.now)
            if heard
            else _never(instance, watch.now)
        )
        if values:
            since = heard or watch.now - timedelta(seconds=values["silence"])
            yield Finding(IncidentKind.SILENT, instance, values=values, since=since)


def deaf(watch: Watch) -> Iterator[Finding]:
    """Most instances that have a habit are silent at once: that is us, or the way to us."""
    rhythms = _rhythms()
    listening = [one for one in watch.instances if one.pk in rhythms and not _has_a_reason(one)]
    silences = [
        one
        for one in listening
        if (heard := _last_heard(one, watch)) and _unusual(one, rhythms[one.pk], heard, watch.now)
    ]
    if is_most(len(silences), listening):
        values = {"count": len(silences), "of": len(listening)}
        yield Finding(IncidentKind.DEAF, values=values)


def _rhythms() -> Mapping[int, Rhythm]:
    return {one.instance_id: one for one in Rhythm.objects.all() if one.hours}


def _last_heard(instance: Instance, watch: Watch) -> datetime | None:
    """The purge may have taken the last callback of a silence that is still told of."""
    if instance.last_heard_at:
        return instance.last_heard_at
    incident = watch.opened(IncidentKind.SILENT, instance)
    heard = incident.values.get("heard") if incident else None
    return datetime.fromisoformat(heard) if heard else None


def _unusual(
    instance: Instance, rhythm: Rhythm | None, heard: datetime, now: datetime
) -> Mapping[str, Any] | None:
    if rhythm is None:
        return None
    pace = UsualSilence(tuple(rhythm.hours), rhythm.longest)
    floor = 60 * instance.silence_floor
    if not pace.is_unusual(heard, now, factor=instance.silence_factor, floor=floor):
        return None
    return {
        "heard": heard.isoformat(),
        "silence": int((now - heard).total_seconds()),
        "usual": int(pace.usual(now)),
    }


def _never(instance: Instance, now: datetime) -> Mapping[str, Any] | None:
    """Connected and with our URL for a day, and not one callback ever."""
    webhooks = {webhook.kind: webhook for webhook in instance.webhooks.all()}
    main = webhooks.get(WebhookKind.MESSAGE_STATUS)
    if main is None or instance.connected is not True or any(map(_was_heard, webhooks.values())):
        return None
    # Set by hand in Z-API's panel, it was never pushed.
    is_by_hand = main.state == WebhookState.IN_SYNC
    pushed_at = main.pushed_at or (instance.created_at if is_by_hand else None)
    if not main.is_wanted or pushed_at is None:
        return None
    since = max(pushed_at, instance.connection_changed_at or pushed_at)
    if now - since < _HEARD_WITHIN:
        return None
    return {"never": True, "silence": int((now - since).total_seconds())}


def _was_heard(webhook: Webhook) -> bool:
    return webhook.heard_at is not None


def _has_a_reason(instance: Instance) -> bool:
    """Of its own to be silent, so that it says nothing about the board."""
    webhooks = instance.webhooks.all()
    return (
        instance.connected is False
        or any(one.state == WebhookState.DIFFERS for one in webhooks)
        or bool(held_back(instance, webhooks))
    )
