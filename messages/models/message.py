from django.db import connections, models
from django.db.models.functions import Collate
from django.utils.translation import gettext_lazy as _

from messages.domain.statuses import Status

from .instance import Instance


class MessageManager(models.Manager["Message"]):
    def lock(self, wanted: models.Q) -> list["Message"]:
        """In the order that callbacks lock them in, so that neither waits for the other."""
        is_postgresql = connections[self.db].vendor == "postgresql"
        byte_by_byte = Collate("zapi_id", "C" if is_postgresql else "BINARY")
        return list(self.select_for_update().filter(wanted).order_by(byte_by_byte, "instance_id"))


class Message(models.Model):
    """One WhatsApp message, as far as its callbacks tell.

    Written by messages.ingest alone. Each step keeps the earliest time reported for it; `rank` is
    the highest reached and never falls. All times are UTC, to the second that Z-API gives.
    """

    instance = models.ForeignKey(
        Instance,
        on_delete=models.PROTECT,
        related_name="message_set",
        db_index=False,
        # Only the write path inserts here, with a row it has just read or written in the same
        # statement; a constraint would have every callback lock that row to find the same.
        db_constraint=False,
        verbose_name=_("instance"),
    )
    zapi_id = models.CharField(_("message id"), max_length=128)
    zaap_id = models.CharField(_("Z-API id"), max_length=128, blank=True)
    rank = models.SmallIntegerField(_("rank"))
    phone = models.CharField(_("recipient"), max_length=128, blank=True)
    is_group = models.BooleanField(_("group"))
    several = models.BooleanField(_("several addresses"), default=False)
    inbound = models.BooleanField(_("inbound"))
    first_heard_at = models.DateTimeField(_("first seen"))
    started_at = models.DateTimeField(_("started"))
    # By Z-API's own times alone, so that a copy of an event without one cannot move it.
    last_event_at = models.DateTimeField(_("last event"), null=True)
    dispatched_at = models.DateTimeField(_("dispatched"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    failed_at = models.DateTimeField(_("failed"), null=True)
    failure = models.CharField(_("failure"), max_length=300, blank=True)
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
            # The id first: this index also finds a message whose instance is not known.
            models.UniqueConstraint(fields=["zapi_id", "instance"], name="message_once"),
        ]
        indexes = [
            models.Index(fields=["-first_heard_at", "-id"], name="message_newest"),
            models.Index(
                fields=["instance", "-first_heard_at", "-id"], name="message_newest_of_instance"
            ),
            # Where there are few groups, or none, all messages were looked at to find them.
            models.Index(
                fields=["-first_heard_at", "-id"],
                name="message_newest_groups",
                condition=models.Q(is_group=True),
            ),
            models.Index(
                fields=["zaap_id"], name="message_zaap_id", condition=~models.Q(zaap_id="")
            ),
            # Ordered by characters, whatever the database's language: it also finds beginnings.
            models.Index(
                fields=["phone", "-first_heard_at"],
                name="message_phone_begins",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],
            ),
            # For what was sent in some time, and the summary of an hour. Later steps leave
            # started_at alone, so updates stay HOT.
            models.Index(fields=["started_at", "instance"], name="message_sent"),
        ]

    def __str__(self) -> str:
        return self.zapi_id

    @property
    def ids(self) -> set[str]:
        """What its sender may know it by: Z-API answers a message with both."""
        return {self.zapi_id, self.zaap_id} - {""}

    @property
    def status(self) -> Status:
        """The name of the rank. Without one the events must be asked: BY_ME, or a word unknown."""
        if self.rank == 0 and self.inbound:
            return Status.READ_BY_ME
        return Status.of_rank(self.rank)
