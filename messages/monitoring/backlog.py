from datetime import datetime

from messages.ingest import received_at_of
from messages.models import FollowUp


def oldest_follow_up() -> datetime | None:
    """When the oldest callback that waits for the worker was received, or None."""
    oldest = FollowUp.objects.waiting().order_by("id").values_list("callback_id", flat=True).first()
    return received_at_of(oldest) if oldest else None
