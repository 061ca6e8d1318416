"""Messages and their status events."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connections, models
from django.db.models.functions import Collate
from django.utils.translation import gettext_lazy as _

from messages.domain.failures import UNKNOWN
from messages.domain.message_kinds import MessageKind, message_kind
from messages.domain.statuses import Status

from .callback import Callback
from .instance import Instance

# The conditions of the indexes of failed messages.
FAILED: Final = ~models.Q(failure_code="")
# SQLite does not use such an index for a condition with IN.
UNKNOWN_FAILURE: Final = models.Q(
    models.Q(failure_code="") | models.Q(failure_code=UNKNOWN), failed_at__isnull=False
)


class MessageManager(models.Manager["Message"]):
    def lock(self, wanted: models.Q) -> list["Message"]:
        """Lock these messages in the same order as ingest, to avoid deadlocks."""
        is_postgresql = connections[self.db].vendor == "postgresql"
        byte_by_byte = Collate("zapi_id", "C" if is_postgresql else "BINARY")
        return list(self.select_for_update().filter(wanted).order_by(byte_by_byte, "instance_id"))


class Message(models.Model):
    """One WhatsApp message, as reported by its callbacks.

    Only messages.ingest writes it. Each step keeps the earliest reported time. `rank` is the
    highest step reached and never falls. All times are UTC, with the precision that Z-API gives.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="message_set",
        db_index=False,
        # Only ingest inserts messages, and the same statement reads the instance. With a
        # constraint, every callback would lock the instance's row for a check that is not needed.
        db_constraint=False,
        verbose_name=_("instance"),
    )
    zapi_id = models.CharField(_("message id"), max_length=128)
    zaap_id = models.CharField(_("Z-API id"), max_length=128, blank=True)
    rank = models.SmallIntegerField(_("rank"))
    phone = models.CharField(_("recipient"), max_length=128, blank=True)
    is_group = models.BooleanField(_("group"))
    several = models.BooleanField(_("has several addresses"), default=False)
    inbound = models.BooleanField(_("inbound"))
    first_heard_at = models.DateTimeField(_("first seen"))
    started_at = models.DateTimeField(_("started"))
    # Computed only from times that Z-API sent, so that a repeated event without a time does not
    # change it.
    last_event_at = models.DateTimeField(_("last event"), null=True)
    dispatched_at = models.DateTimeField(_("dispatched"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    failed_at = models.DateTimeField(_("failed"), null=True)
    failure = models.CharField(_("failure"), max_length=300, blank=True)
    # The code of `failure` (messages.domain.failures) while the status is FAILED, else ''.
    failure_code = models.CharField(_("failure code"), max_length=64, blank=True, db_default="")
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    read_at = models.DateTimeField(_("read"), null=True)
    played_at = models.DateTimeField(_("played"), null=True)
    by_us_at = models.DateTimeField(_("read by us"), null=True)

    objects = MessageManager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        permissions = [
            ("see_phones", "Can see whole phone numbers"),
            ("reveal_phone", "Can reveal a masked phone number"),
            ("export_message", "Can export messages"),
        ]
        constraints = [
            # The id first: searches do not know the instance.
            models.UniqueConstraint(fields=["zapi_id", "instance"], name="message_once"),
        ]
        indexes = [
            models.Index(fields=["-first_heard_at", "-id"], name="message_newest"),
            models.Index(
                fields=["instance", "-first_heard_at", "-id"], name="message_newest_of_instance"
            ),
            # A partial index: if there are few group messages, finding them would scan all
            # messages.
            models.Index(
                fields=["-first_heard_at", "-id"],
                name="message_newest_groups",
                condition=models.Q(is_group=True),
            ),
            models.Index(
                fields=["zaap_id"], name="message_zaap_id", condition=~models.Q(zaap_id="")
            ),
            # Ordered by characters in any locale, so that it also finds prefixes.
            models.Index(
                fields=["phone", "-first_heard_at"],
                name="message_phone_begins",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],
            ),
            # For filters by period, and for hourly summaries. Later steps do not change started_at,
            # so PostgreSQL can use HOT updates.
            models.Index(fields=["started_at", "instance"], name="message_sent"),
            # Failed messages by reason. All that a count needs is in the index.
            models.Index(
                fields=["-started_at", "-id", "failure_code", "instance", "is_group", "phone"],
                name="message_failed_by_time",
                condition=FAILED,
            ),
            models.Index(
                fields=["-first_heard_at", "-id", "failure_code"],
                name="message_newest_failed",
                condition=FAILED,
            ),
            models.Index(
                fields=["-started_at", "-id", "failure_code"],
                name="message_unknown_failure",
                condition=UNKNOWN_FAILURE,
            ),
        ]

    def __str__(self) -> str:
        return self.zapi_id

    @property
    def ids(self) -> set[str]:
        """Both ids that Z-API returns to the sender."""
        return {self.zapi_id, self.zaap_id} - {""}

    @property
    def kind(self) -> MessageKind:
        return message_kind(self.phone, is_group=self.is_group)

    @property
    def status(self) -> Status:
        """The status of the rank.

        Rank 0 means a status BY_ME or an unknown one; the events have the details.
        """
        if self.rank == 0 and self.inbound:
            return Status.READ_BY_ME
        return Status.of_rank(self.rank)


class StatusEvent(models.Model):
    """One reported status change; repetitions are counted in `repeats`.

    The constraint says which reports are the same event. Its columns are NOT NULL ('' and -1 if
    absent), because NULL would allow duplicates.
    """

    message = models.ForeignKey(
        Message,
        on_delete=models.CASCADE,
        related_name="events",
        # The unique index starts with it.
        db_index=False,
        db_constraint=False,  # no constraint, for the reason given in Message
        verbose_name=_("message"),
    )
    source = models.CharField(_("callback type"), max_length=128)
    status = models.CharField(
        _("status"), max_length=16, choices=[(status.value, status.label) for status in Status]
    )
    raw_status = models.CharField(_("original status"), max_length=128, blank=True)
    momment = models.CharField(_("original “momment”"), max_length=128, blank=True)
    occurred_at = models.DateTimeField(_("event time"))
    time_is_arrival = models.BooleanField(
        _("suspicious time"),
        default=False,
        help_text=_("Original time unusable; arrival time shown instead."),
    )
    received_at = models.DateTimeField(_("arrived"))
    phone = models.CharField(_("address"), max_length=128, blank=True)
    participant = models.CharField(_("participant"), max_length=128, blank=True)
    device = models.IntegerField(_("device"), default=-1)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    repeats = models.IntegerField(_("repeats"), default=0)
    # The callback may be purged; the timeline stays.
    callback = models.ForeignKey(
        Callback,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("first callback"),
    )

    class Meta:
        verbose_name = _("status event")
        verbose_name_plural = _("status events")
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "message",
                    "source",
                    "raw_status",
                    "momment",
                    "phone",
                    "participant",
                    "device",
                    "reason",
                ],
                name="status_event_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.occurred_at:%Y-%m-%d %H:%M:%S}"


class Report(NamedTuple):
    """The fields of a StatusEvent that messages.domain.rollup needs.

    It uses a tenth of the memory.
    """

    message_id: int
    status: str
    raw_status: str
    occurred_at: datetime
    phone: str
    participant: str
    reason: str


def reports_of(messages: Collection[int]) -> dict[int, list[Report]]:
    """The reports of each message, in one query. A group's message may have thousands."""
    found: dict[int, list[Report]] = defaultdict(list)
    if messages:
        rows = StatusEvent.objects.filter(message__in=messages).values_list(*Report._fields)
        for report in map(Report._make, rows):
            found[report.message_id].append(report)
    return found
