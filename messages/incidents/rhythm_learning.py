"""Learns the usual silence of each instance once a day, not at every check."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, Window
from django.db.models.functions import Lag
from django.utils import timezone

from messages.models import Callback, Instance, Rhythm
from messages.models.due import is_over
from statusboard.databases import is_away

from .usual_silence import LEARNS_AT_LEAST, LEARNS_FROM, SHORTEST, Gap, learn

logger = logging.getLogger(__name__)

LEARN_EVERY: Final = timedelta(days=1)


def learn_rhythms(limit: int = 20) -> int:
    """Learn for the instances that are due, the longest overdue first."""
    now = timezone.now()
    is_due = Q(rhythm=None) | is_over("rhythm__learnt_at", now, LEARN_EVERY)
    instances = Instance.objects.active().filter(is_due)
    due = list(instances.order_by(F("rhythm__learnt_at").asc(nulls_first=True))[:limit])
    for instance in due:
        try:
            learn_rhythm(instance, now)
        except Exception as error:
            if is_away(error):
                raise
            logger.exception("Learning the usual silence of instance %s failed.", instance.pk)
            Rhythm.objects.update_or_create(instance=instance, defaults={"learnt_at": now})
    return len(due)


def learn_rhythm(instance: Instance, now: datetime) -> Rhythm:
    since = _first_received(instance, now - LEARNS_FROM)
    # With too few callbacks, for example after a purge, the previous result is kept.
    learnt: dict[str, object] = {}
    if since and since <= now - LEARNS_AT_LEAST:
        pace = learn(_gaps(instance, since), since, now)
        learnt = {"hours": list(pace.hours), "longest": pace.longest}
    rhythm, _ = Rhythm.objects.update_or_create(
        instance=instance, defaults={"learnt_at": now, **learnt}
    )
    return rhythm


def _first_received(instance: Instance, since: datetime) -> datetime | None:
    callbacks = instance.callbacks.filter(received_at__gte=since).order_by("received_at")
    return callbacks.values_list("received_at", flat=True).first()


def _gaps(instance: Instance, since: datetime) -> list[Gap]:
    """Return the silences of at least SHORTEST.

    The database reads its index on (instance, time) and returns only these.
    """
    before = Window(Lag("received_at"), order_by=F("received_at").asc())
    callbacks = Callback.objects.filter(instance=instance, received_at__gte=since)
    spaced = callbacks.annotate(before=before).filter(before__lte=F("received_at") - SHORTEST)
    return list(spaced.values_list("before", "received_at"))
