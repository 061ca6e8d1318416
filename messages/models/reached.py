from django.db.models import Q

from messages.domain.statuses import Status

_BEFORE_FAILURE = {
    Status.DISPATCHED: Q(dispatched_at__isnull=False) | Q(sent_at__isnull=False),
    Status.SENT: Q(sent_at__isnull=False),
}


def reached(status: Status) -> Q:
    """The messages that came as far as `status`, or further.

    A failure implies nothing: of a failed message only what was reported was reached.
    """
    failed = Q(rank=Status.FAILED.rank)
    if status is Status.FAILED:
        return failed
    climbed = Q(rank__gte=status.rank)
    if status not in _BEFORE_FAILURE:
        return climbed
    return climbed & ~failed | failed & _BEFORE_FAILURE[status]
