from django.db import models

from .callback import Callback
from .instance import Instance


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

    def __str__(self) -> str:
        return f"{self.type or '?'} {self.callback_id}"
