from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from .instance import Instance
from .latencies import LATENCIES

# Seconds. The upper limits of the histogram's buckets. The counts are cumulative, as in
# Prometheus: a latency is counted in every bucket whose limit it does not exceed. Such counts can
# be added over hours and instances, and quantiles computed from the sums.
LATENCY_EDGES: Final = (
    *(1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 900),
    *(1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600),
)


def latency_column(latency: str, edge: int | None = None) -> str:
    """The name of the column with the number of messages within `edge` seconds.

    If `edge` is None: with a known latency.
    """
    return f"{latency}_timed" if edge is None else f"{latency}_within_{edge}"


LATENCY_COLUMNS: Final = tuple(
    latency_column(latency, edge) for latency in LATENCIES for edge in (*LATENCY_EDGES, None)
)


class Summary(models.Model):
    """Counts of the outbound messages that one instance started in a period.

    Not of those to channels and to our own status, whose deliveries WhatsApp does not report.

    A later step implies the earlier ones, so `sent` includes messages that were read. A failure
    implies nothing. Latency counts are columns, because summing columns is ten times faster than
    summing JSON values.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("instance"),
    )
    is_group = models.BooleanField(_("group"))
    # All messages, including those with only an unknown status.
    messages = models.IntegerField(_("messages"), default=0)
    dispatched = models.IntegerField(_("dispatched"), default=0)
    sent = models.IntegerField(_("sent"), default=0)
    delivered = models.IntegerField(_("delivered"), default=0)
    read = models.IntegerField(_("read"), default=0)
    played = models.IntegerField(_("played"), default=0)
    # Messages that failed, or that wait for the next step.
    failed = models.IntegerField(_("failed"), default=0)
    waiting_to_send = models.IntegerField(_("waiting to be sent"), default=0)
    waiting_to_deliver = models.IntegerField(_("waiting for delivery"), default=0)
    computed_at = models.DateTimeField(_("counted at"))

    class Meta:
        abstract = True


for _column in LATENCY_COLUMNS:
    Summary.add_to_class(_column, models.IntegerField(default=0))


class HourlySummary(Summary):
    """messages.summaries computes it from the messages.

    It is never incremented, so errors cannot accumulate.
    """

    hour = models.DateTimeField(_("hour"))

    class Meta:
        verbose_name = _("hourly summary")
        verbose_name_plural = _("hourly summaries")
        constraints = [
            # The hour first, so that a period of all instances is one range of the index.
            models.UniqueConstraint(
                fields=["hour", "instance", "is_group"], name="hourly_summary_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}"


class DailySummary(Summary):
    """The sum of the hours of one UTC day.

    Reading a month takes a tenth of the time that the hours would take. It is written together with
    its hours. `computed_at` is the latest `computed_at` of the hours.
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


class DailyFailure(models.Model):
    """How many messages that an instance started on a UTC day failed for one reason.

    It is counted together with DailySummary, and counts the same messages.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("instance"),
    )
    is_group = models.BooleanField(_("group"))
    day = models.DateField(_("day"))
    code = models.CharField(_("failure code"), max_length=64)
    messages = models.IntegerField(_("messages"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "instance", "is_group", "code"], name="daily_failure_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.code}"


class TouchedHour(models.Model):
    """An hour of an instance whose summary must be recomputed. There may be several for one hour.

    Marks are only added, and deleted in the transaction that recomputes the summary.
    """

    instance = models.ForeignKey(
        Instance, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    hour = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["instance", "hour"], name="touched_hour")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00}"
