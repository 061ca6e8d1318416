"""What is done about each stored callback after the door has answered.

Whoever wants to hear of every callback is one more line in CONSUMERS. All of them run in the one
transaction that takes the follow-ups away: either all have done their part, or it comes again.
"""

from collections.abc import Callable, Sequence

from django.db import transaction

from messages import forwarding, people, privacy
from messages.instances.hearing import note_heard
from messages.models import FollowUp
from messages.summaries import mark_touched

Consumer = Callable[[Sequence[FollowUp]], None]

CONSUMERS: tuple[Consumer, ...] = (
    forwarding.enqueue,
    people.tie_addresses,
    mark_touched,
    note_heard,
    # Last: it undoes what the others made of whom was erased.
    privacy.erase_late,
)

BATCH = 500
# Then other jobs, and the wish to stop, get their turn.
_MOST_BATCHES = 40


def follow_up() -> int:
    """Take what there is, oldest first. Any number of workers may do so side by side."""
    done = 0
    for _ in range(_MOST_BATCHES):
        # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
        taken = _follow_up_batch() if FollowUp.objects.exists() else 0
        done += taken
        if taken < BATCH:
            break
    return done


@transaction.atomic
def _follow_up_batch() -> int:
    follow_ups = FollowUp.objects.take(BATCH)
    for consume in CONSUMERS:
        consume(follow_ups)
    return len(follow_ups)
