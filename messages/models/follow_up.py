from typing import Self

from django.db import models

from messages.models.due import LeaseQuerySet

from .callback import Callback
from .instance import Instance


class FollowUpQuerySet(LeaseQuerySet["FollowUp"]):
    def waiting(self) -> Self:
        return self.filter(set_aside_at=None)

    def set_aside(self) -> Self:
        """Follow-ups that failed because of their own data, for a person to retry."""
        return self.exclude(set_aside_at=None)


class FollowUp(models.Model):
    """Work that remains for one stored callback. The worker takes and deletes it.

    Ingest only inserts rows. With an update instead, two processes could overwrite each other.
    """

    callback = models.ForeignKey(
        Callback, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    instance = models.ForeignKey(
        Instance, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    type = models.CharField(max_length=128, blank=True)
    # The body of a callback that is not kept as evidence, if the instance forwards callbacks.
    body = models.BinaryField(null=True)
    # The sender's LID and number, for inbound messages only. Nothing else of these messages is
    # stored.
    lid = models.CharField(max_length=128, null=True)  # noqa: DJ001  (most have none)
    number = models.CharField(max_length=128, null=True)  # noqa: DJ001
    # Other facts of an inbound message: who wrote, when, and which message it answers.
    inbound = models.JSONField(null=True)
    set_aside_at = models.DateTimeField(null=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        indexes = [
            # For counting follow-ups that were set aside. The index is partial, so others do not
            # update it.
            models.Index(
                fields=["set_aside_at"],
                name="follow_up_set_aside",
                condition=models.Q(set_aside_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type or '?'} {self.callback_id}"
