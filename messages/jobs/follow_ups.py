"""Processes each stored callback after the webhook endpoint has answered.

To process every callback, add a function to CONSUMERS. All consumers run in the transaction that
removes the follow-ups: either all succeed or all run again. A follow-up that fails alone is set
aside, so that it does not block the others.
"""

import logging
from collections.abc import Callable

from django.utils import timezone

from messages import answers, forwarding, identities, privacy
from messages.ingest.callback_batch import CallbackBatch
from messages.instances.first_callbacks import record_first_callbacks
from messages.models import FollowUp
from messages.models.follow_up import FollowUpQuerySet
from messages.summaries import end_receipts_off, mark_touched
from statusboard.databases import is_away

logger = logging.getLogger(__name__)

Consumer = Callable[[CallbackBatch], None]

CONSUMERS: tuple[Consumer, ...] = (
    forwarding.enqueue,
    identities.link_identities,
    answers.record_answers,
    mark_touched,
    end_receipts_off,
    record_first_callbacks,
    # Last: it removes what the other consumers stored about erased people.
    privacy.erase_late,
)

BATCH = 500
# The maximum number of batches per run, so that other jobs run and the worker can stop.
_MAX_BATCHES = 40


def follow_up() -> int:
    """Process the waiting callbacks, oldest first. Several workers may do so at once."""
    done = 0
    for _ in range(_MAX_BATCHES):
        taken = _follow_up_batch()
        done += taken
        if taken < BATCH:
            break
    return done


def _follow_up_batch() -> int:
    """Return how many were processed, including those set aside."""
    try:
        return _take_and_consume(FollowUp.objects.all(), BATCH)
    except Exception as error:
        if is_away(error):
            raise
    # One of them fails: process each alone, so that the others succeed.
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


def _take_and_consume(queue: FollowUpQuerySet, limit: int) -> int:
    """Delete the oldest and process them, in one transaction: if that fails, they stay."""
    with queue.waiting().order_by("id").claim(limit) as follow_ups:
        if follow_ups:
            queue.filter(pk__in=[follow_up.pk for follow_up in follow_ups]).delete()
            batch = CallbackBatch(follow_ups)
            for consume in CONSUMERS:
                consume(batch)
    return len(follow_ups)
