"""What is done about each stored callback after the door has answered.

Whoever wants to hear of every callback is one more line in CONSUMERS. All of them run in the one
transaction that takes the follow-ups away: either all have done their part, or it comes again. One
that fails by itself is set aside, so that it stands in no other's way.
"""

import logging
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from messages import forwarding, identities, privacy
from messages.ingest.callback_batch import CallbackBatch
from messages.instances.first_callbacks import record_first_callbacks
from messages.models import FollowUp
from messages.models.follow_up import FollowUpQuerySet
from messages.summaries import mark_touched
from statusboard.databases import is_away

logger = logging.getLogger(__name__)

Consumer = Callable[[CallbackBatch], None]

CONSUMERS: tuple[Consumer, ...] = (
    forwarding.enqueue,
    identities.hear,
    mark_touched,
    record_first_callbacks,
    # Last: it undoes what the others made of whom was erased.
    privacy.erase_late,
)

BATCH = 500
# Then other jobs, and the wish to stop, get their turn.
_MAX_BATCHES = 40


def follow_up() -> int:
    """Take what there is, oldest first. Any number of workers may do so side by side."""
    done = 0
    for _ in range(_MAX_BATCHES):
        # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
        taken = _follow_up_batch() if FollowUp.objects.waiting().exists() else 0
        done += taken
        if taken < BATCH:
            break
    return done


def _follow_up_batch() -> int:
    """How many were taken, those set aside among them."""
    try:
        return _take_and_consume(FollowUp.objects.all(), BATCH)
    except Exception as error:
        if is_away(error):
            raise
    # One of them fails: each for itself, so that the others are done.
    oldest = FollowUp.objects.waiting().order_by("id")[:BATCH]
    return sum(_follow_up_alone(one) for one in oldest)


def _follow_up_alone(follow_up: FollowUp) -> int:
    alone = FollowUp.objects.filter(pk=follow_up.pk)
    try:
        return _take_and_consume(alone, 1)
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("Processing callback %s failed; it is set aside.", follow_up.callback_id)
    return alone.update(set_aside_at=timezone.now())


@transaction.atomic
def _take_and_consume(queue: FollowUpQuerySet, most: int) -> int:
    follow_ups = queue.take(most)
    heard = CallbackBatch(follow_ups)
    for consume in CONSUMERS:
        consume(heard)
    return len(follow_ups)
