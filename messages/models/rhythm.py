from django.db import models

from .instance import Instance


class Rhythm(models.Model):
    """How long an instance is usually silent, learnt once a day from what was heard of it.

    `hours` and `longest` are seconds; messages.incidents.usual_silence says which.
    """

    instance = models.OneToOneField(
        Instance, on_delete=models.CASCADE, primary_key=True, related_name="rhythm"
    )
    learnt_at = models.DateTimeField()
    hours = models.JSONField(default=list)
    longest = models.FloatField(null=True)

    def __str__(self) -> str:
        return str(self.instance)
