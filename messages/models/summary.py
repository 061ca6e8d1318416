from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from .instance import Instance

# Seconds. A latency is counted at every edge that it does not exceed, as Prometheus does it: such
# counts of any hours and instances can be added up, and a quantile be read from the sum.
LATENCY_EDGES: Final = (
    *(1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 900),
    *(1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600),
)
# From being sent (or dispatched, where no sending was reported) to delivered, and on to read.
LATENCIES: Final = ("delivered", "read")


def latency_column(latency: str, edge: int | None = None) -> str:
    """How many took at most `edge` seconds; without an edge, of how many it is known."""
    return f"{latency}_timed" if edge is None else f"{latency}_within_{edge}"


LATENCY_COLUMNS: Final = tuple(
    latency_column(latency, edge) for latency in LATENCIES for edge in (*LATENCY_EDGES, None)
)


class Summary(models.Model):
    """What became of the outbound messages that one instance started in some time.

    A later step implies the earlier ones, so `sent` counts all that were read; a failure implies
    nothing. Columns, not JSON, hold the latencies: both databases add them up ten times faster.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("instance"),
    )
    is_group = models.BooleanField(_("group"))
    # All of them; some may have reached nothing but a word that nobody knows.
    messages = models.IntegerField(_("messages"), default=0)
    dispatched = models.IntegerField(_("dispatched"), default=0)
    sent = models.IntegerField(_("sent"), default=0)
    delivered = models.IntegerField(_("delivered"), default=0)
    read = models.IntegerField(_("read"), default=0)
    played = models.IntegerField(_("played"), default=0)
    # Where each of the others stands: its headline is the failure, or the step it has waited on.
    failed = models.IntegerField(_("failed"), default=0)
    waiting_to_send = models.IntegerField(_("waiting to be sent"), default=0)
    waiting_to_deliver = models.IntegerField(_("waiting for delivery"), default=0)
    computed_at = models.DateTimeField(_("counted"))

    class Meta:
        abstract = True


for _column in LATENCY_COLUMNS:
    Summary.add_to_class(_column, models.IntegerField(default=0))


class HourlySummary(Summary):
    """Recomputed from the messages by messages.summaries, never incremented: it cannot drift."""

    hour = models.DateTimeField(_("hour"))

    class Meta:
        verbose_name = _("hourly summary")
        verbose_name_plural = _("hourly summaries")
        constraints = [
            # The hour first: a period of all instances is one range of this index.
            models.UniqueConstraint(
                fields=["hour", "instance", "is_group"], name="hourly_summary_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}"


class DailySummary(Summary):
    """The hours of one day of UTC, added up: a month of them is read in a tenth of the time.

    Written together with its hours, of which `computed_at` is the latest.
    """

    day = models.DateField(_("day"))

    class Meta:
        verbose_name = _("daily summary")
        verbose_name_plural = _("daily summaries")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "instance", "is_group"], name="daily_summary_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class TouchedHour(models.Model):
    """An hour of an instance whose summary is to be recomputed; several marks may mean the same.

    Only ever added, and deleted together with what was computed after it was read.
    """

    instance = models.ForeignKey(
        Instance, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    hour = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["instance", "hour"], name="touched_hour")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}"
