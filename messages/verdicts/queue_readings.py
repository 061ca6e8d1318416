"""Asks Z-API which of our messages still wait in its queue, and stores their places."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max
from django.utils import timezone

from messages.incidents.stuck_messages import stuck_counts, stuck_now
from messages.incidents.unconfirmed_messages import COUNTED, unconfirmed, unconfirmed_counts
from messages.instances.sync import FAILURES, client_of
from messages.models import Instance, Label, Message, QueueReading
from messages.models.due import has_passed, is_over
from messages.zapi.client import Queue, QueuedMessage

_ASKED_EVERY: Final = timedelta(minutes=10)
_KEPT_FOR: Final = timedelta(days=7)
# The newest stuck messages of an instance. There are more only after a long outage.
_MAX_MESSAGES: Final = 200
# For each run of the job. One answer may take half a minute.
_MAX_CALLS: Final = 10
_TIME_LIMIT: Final = 20.0  # seconds
_READ: Final = ("read_at", "ahead", "is_minimum", "queued_at")


def read_queues() -> int:
    """The worker's job: ask about the late messages of each instance every ten minutes.

    A message is late if it is stuck, or was announced and never confirmed.

    Return how many queues were read.
    """
    now, started = timezone.now(), time.monotonic()
    QueueReading.objects.filter(is_over("asked_at", now, _KEPT_FOR)).delete()
    instances = {one.pk: one for one in Instance.objects.active().select_related("account")}
    late = {*stuck_counts(instances.values(), now), *unconfirmed_counts(instances.values(), now)}
    last = QueueReading.objects.filter(instance__in=late).values_list("instance")
    asked = dict(last.annotate(last=Max("asked_at")).order_by())
    due = [pk for pk in late if pk not in asked or has_passed(_ASKED_EVERY, asked[pk], now)]
    due.sort(key=lambda pk: (pk in asked, asked.get(pk)))
    number = 0
    for pk in due[:_MAX_CALLS]:
        if time.monotonic() - started > _TIME_LIMIT:
            break
        try:
            ask_queue(instances[pk])
        except FAILURES:
            continue  # The client has logged it.
        number += 1
    return number


def ask_queue(instance: Instance, *messages: Message) -> None:
    """Read the queue. Store the places of these messages and of the instance's late ones in it.

    Raises one of FAILURES. Even then it is stored that Z-API was asked.
    """
    now = timezone.now()
    found = Message.objects.filter(instance=instance).order_by("-first_heard_at")
    stuck = stuck_now(found, now, [instance.stuck_after])[:_MAX_MESSAGES]
    labels = Label.objects.filter(instance=instance, awaited_since__gte=now - COUNTED)
    announced = unconfirmed(labels, now, [instance.unconfirmed_after])[:_MAX_MESSAGES]
    # Sorted, so that a click and the worker lock rows in the same order.
    in_order = sorted((*stuck, *announced, *messages), key=lambda message: message.zapi_id)
    wanted = {one.zapi_id: one.ids for one in in_order}
    try:
        queue = client_of(instance).read_queue()
    except FAILURES:
        asked = [QueueReading(instance=instance, zapi_id=one, asked_at=now) for one in wanted]
        _save(asked, ["asked_at"])
        raise
    places = _places(queue)
    readings = [
        QueueReading(
            instance=instance,
            zapi_id=zapi_id,
            asked_at=now,
            read_at=now,
            is_minimum=queue.is_minimum,
            **_place(ids, places),
        )
        for zapi_id, ids in wanted.items()
    ]
    _save(readings, ["asked_at", *_READ])


def _save(readings: Iterable[QueueReading], fields: list[str]) -> None:
    QueueReading.objects.bulk_create(
        readings,
        update_conflicts=True,
        unique_fields=["instance", "zapi_id"],
        update_fields=fields,
    )


def _places(queue: Queue) -> dict[str, tuple[int, datetime | None]]:
    """For each id, how many messages wait before it, and since when it waits.

    Z-API does not document the order of its answer. If all messages have a time, they are sorted by
    it, oldest first.
    """
    rows: list[QueuedMessage] = list(queue.messages)
    if all(row.created_at for row in rows):
        rows.sort(key=lambda row: row.created_at or timezone.now())
    places: dict[str, tuple[int, datetime | None]] = {}
    ahead = 0
    for row in rows:
        if places.keys() & row.ids:
            continue  # the same message on two pages
        places |= dict.fromkeys(row.ids, (ahead, row.created_at))
        ahead += 1
    return places


def _place(
    ids: Iterable[str], places: dict[str, tuple[int, datetime | None]]
) -> dict[str, int | datetime | None]:
    found = [places[one] for one in ids if one in places]
    return {"ahead": found[0][0], "queued_at": found[0][1]} if found else {}
