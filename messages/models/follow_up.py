from collections.abc import Sequence
from typing import Self

from django.db import models

from .callback import Callback
from .instance import Instance


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def waiting(self) -> Self:
        return self.filter(set_aside_at=None)

    def set_aside(self) -> Self:
        """Those whose doing failed for a cause of their own, for a person to try again."""
        return self.exclude(set_aside_at=None)

    def take(self, most: int) -> Sequence["FollowUp"]:
        """Claim the oldest and delete them: they are the caller's once its transaction commits.

        What another worker has claimed is passed over, and comes back should that one fail.
        """
        oldest = self.waiting().order_by("id")
        claimed = list(oldest.select_for_update(skip_locked=True)[:most])
        self.filter(pk__in=[follow_up.pk for follow_up in claimed]).delete()
        return claimed


class FollowUp(models.Model):
    """What is still to be done about one stored callback; the worker claims and deletes it.

    Only ever added by the write path, never changed there, so that no mark is lost to a race.
    """

    callback = models.ForeignKey(
        Callback, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    instance = models.ForeignKey(
        Instance, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    type = models.CharField(max_length=128, blank=True)
    # Of a callback whose body is not kept as evidence, where the instance forwards anything at all.
    body = models.BinaryField(null=True)
    # Who is behind a LID, of an inbound message: all that is kept of it.
    lid = models.CharField(max_length=128, null=True)  # noqa: DJ001  (most have none)
    number = models.CharField(max_length=128, null=True)  # noqa: DJ001
    set_aside_at = models.DateTimeField(null=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        indexes = [
            # To count them. It costs no other follow-up a write.
            models.Index(
                fields=["set_aside_at"],
                name="follow_up_set_aside",
                condition=models.Q(set_aside_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type or '?'} {self.callback_id}"
