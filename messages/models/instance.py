from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.domain import addresses
from messages.models.due import is_ahead
from statusboard.redaction import redact

from .account import Account
from .callback import Callback
from .fields import Secret, SecretField, SecretUnreadableError, token_digest


class Tag(models.Model):
    """A word to find instances by, usually the client's name."""

    name = models.CharField(_("name"), max_length=50)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_once")]

    def __str__(self) -> str:
        return self.name


# How long a replaced token is still accepted. Callbacks with the old token may arrive later, and
# Z-API does not report when it starts to send the new one.
TOKEN_OVERLAP: Final = timedelta(hours=24)
# Reports contain Z-API's clock time, which may differ from ours by this much.
_ZAPI_MAY_BE_AHEAD: Final = timedelta(minutes=10)
_OF_THE_NUMBER: Final = ("number", "number_reported_at", "previous_number", "number_changed_at")
_OF_THE_DIGEST: Final = ("token_digest", "previous_token_digest", "previous_token_until")


class TokenPolicy(models.TextChoices):
    OBSERVE = "observe", _("Observe")
    ENFORCE = "enforce", _("Enforce")
    OFF = "off", _("Off")


class InstanceQuerySet(models.QuerySet["Instance"]):
    def active(self) -> Self:
        return self.filter(archived_at=None)

    def named(self, text: str) -> "Instance | None":
        """Find an instance by its Z-API id, or else by its primary key.

        A Z-API id may look like a number.
        """
        if found := self.filter(zapi_id=text.replace("\x00", "")).first():
            return found
        is_number = text.isascii() and text.isdigit() and len(text) < 19
        return self.filter(pk=int(text)).first() if is_number else None

    def archived(self) -> Self:
        return self.exclude(archived_at=None)

    def note_connection(
        self,
        *,
        connected: bool,
        at: datetime,
        reason: str = "",
        status_error: str = "",
        smartphone: bool | None = None,
    ) -> None:
        """Store a report unless a newer one is stored.

        A report with the same state does not change the start time, or fields that it does not
        contain.
        """

        def unless_new(name: str, otherwise: Any) -> Case:
            return Case(When(connected=connected, then=F(name)), default=otherwise)

        on_phone = unless_new("smartphone_connected", None) if smartphone is None else smartphone
        self.filter(_is_no_newer("connection_reported_at", at)).update(
            connected=connected,
            connection_reported_at=at,
            connection_changed_at=unless_new("connection_changed_at", Value(at)),
            connection_reason=reason or unless_new("connection_reason", Value("")),
            status_error=status_error or unless_new("status_error", Value("")),
            smartphone_connected=on_phone,
        )

    def note_number(self, number: str, at: datetime) -> None:
        """Store a report unless a newer one is stored. Needs a transaction.

        A number with or without the ninth digit is the same. The previous number is kept.
        """
        older = self.filter(_is_no_newer("number_reported_at", at))
        for instance in older.select_for_update():
            if instance.number and not addresses.same_person(instance.number, number):
                instance.previous_number, instance.number_changed_at = instance.number, at
            instance.number, instance.number_reported_at = number, at
            instance.save(update_fields=_OF_THE_NUMBER)

    def with_last_heard(self) -> Self:
        """Annotate `last_heard_at` from the callbacks.

        So a callback does not have to update the instance.
        """
        newest = Callback.objects.filter(instance=OuterRef("pk")).order_by("-received_at")
        return self.annotate(last_heard_at=Subquery(newest.values("received_at")[:1]))


def _is_no_newer(field: str, at: datetime) -> Q:
    """Instances whose stored report is not newer than `at`.

    A stored time in the future comes from a wrong clock and is ignored.
    """
    never, older = Q(**{field: None}), Q(**{f"{field}__lte": at})
    return never | older | is_ahead(field, timezone.now() + _ZAPI_MAY_BE_AHEAD)


class Instance(models.Model):
    """One WhatsApp number connected to Z-API. Archived when it is not used any more.

    It can only be deleted if it never had a callback: see messages.instances.deletion.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="instances", verbose_name=_("account")
    )
    name = models.CharField(_("name"), max_length=100)
    zapi_id = models.CharField(_("instance id"), max_length=128, unique=True)
    token = SecretField(_("token"))
    # The version in the webhook key. Keys below `oldest_key_version` are retired.
    key_version = models.PositiveIntegerField(_("key version"), default=1, editable=False)
    oldest_key_version = models.PositiveIntegerField(default=1, editable=False)
    key_rotated_at = models.DateTimeField(null=True, editable=False)
    # Compared with z-api-token at each callback: a hash, because the token itself is encrypted.
    token_digest = models.CharField(max_length=64, blank=True, editable=False)
    # The previous one, which Z-API may still send for a while.
    previous_token_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    previous_token_until = models.DateTimeField(null=True, editable=False)
    token_policy = models.CharField(
        _("z-api-token"),
        max_length=8,
        choices=TokenPolicy.choices,
        default=TokenPolicy.OBSERVE,
        help_text=_(
            "Z-API usually sends the instance’s token with each callback. Observe: count "
            "callbacks with a wrong or no token. Enforce: refuse them."
        ),
    )
    # Callbacks refused because of their token since the policy was set.
    tokens_refused = models.PositiveIntegerField(default=0, editable=False)
    token_refused_at = models.DateTimeField(null=True, editable=False)
    connected = models.BooleanField(_("connected"), null=True, editable=False)
    connection_changed_at = models.DateTimeField(null=True, editable=False)
    # The time of the newest report, which may have repeated a known state.
    connection_reported_at = models.DateTimeField(null=True, editable=False)
    connection_reason = models.CharField(max_length=300, blank=True, editable=False)
    # The last error of /status while disconnected, in Z-API's words.
    status_error = models.CharField(max_length=300, blank=True, default="", editable=False)
    smartphone_connected = models.BooleanField(null=True, editable=False)
    # The WhatsApp number that Z-API last reported while connected.
    number = models.CharField(max_length=128, blank=True, default="", editable=False)
    number_reported_at = models.DateTimeField(null=True, editable=False)
    previous_number = models.CharField(max_length=128, blank=True, default="", editable=False)
    number_changed_at = models.DateTimeField(null=True, editable=False)
    # From /me: the end of the paid period, and the callback types that filters block (null if not
    # reported).
    due_at = models.DateTimeField(_("paid until"), null=True, editable=False)
    payment_status = models.CharField(
        _("payment"), max_length=40, blank=True, default="", editable=False
    )
    # Whether Z-API marks inbound messages as read by itself; null if not reported.
    auto_read = models.BooleanField(null=True, editable=False)
    # The time since which messages are delivered, but no read confirmation arrives.
    receipts_off_since = models.DateTimeField(null=True, editable=False)
    filters = models.JSONField(_("filters"), null=True, editable=False)
    # The URLs of other hooks that `update-every-webhooks` replaced, by kind; '' if there was none.
    taken_urls = models.JSONField(default=dict, editable=False)
    # Whether Z-API reported messages sent by this number before `update-every-webhooks`; null if
    # unknown.
    taken_sent_by_me = models.BooleanField(null=True, editable=False)
    checked_at = models.DateTimeField(_("last verified"), null=True, editable=False)
    # When the worker verifies it next, and how many attempts in a row failed.
    next_check_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    failed_checks = models.PositiveSmallIntegerField(default=0, editable=False)
    tags = models.ManyToManyField(Tag, blank=True, related_name="instances", verbose_name=_("tags"))
    # Thresholds for alerts; see messages.incidents.
    stuck_after = models.PositiveSmallIntegerField(
        _("stuck after (minutes)"),
        default=30,
        validators=[MinValueValidator(1)],
        help_text=_("A message that is not delivered within this time counts as stuck."),
    )
    unconfirmed_after = models.PositiveSmallIntegerField(
        _("never confirmed after (minutes)"),
        default=10,
        db_default=10,
        validators=[MinValueValidator(1)],
        help_text=_(
            "A message announced by your software counts as never confirmed if Z-API has reported "
            "nothing by then."
        ),
    )
    silence_factor = models.FloatField(
        _("alert after … times the usual gap between callbacks"),
        default=3,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Alert when a connected instance sends no callbacks for this many times the usual gap."
        ),
    )
    silence_floor = models.PositiveSmallIntegerField(
        _("shortest gap to report (minutes)"),
        default=15,
        validators=[MinValueValidator(1)],
        help_text=_("Shorter gaps never raise an alert."),
    )
    failing_percent = models.PositiveSmallIntegerField(
        _("failure rate (%)"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Alert when this percentage of messages failed in the last 30 minutes."),
    )
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = InstanceQuerySet.as_manager()

    last_heard_at: datetime | None

    class Meta:
        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        names = kwargs.get("update_fields")
        if names is None or "token" in names:
            self._note_digest()
        if names is not None and "token" in names:
            kwargs["update_fields"] = {*names, *_OF_THE_DIGEST}
        super().save(*args, **kwargs)

    @property
    def shown_id(self) -> str:
        """The id to display. An id that was stored unchecked may be a URL with a token."""
        return redact(self.zapi_id)

    def _note_digest(self) -> None:
        """Update the digest. A token that cannot be decrypted keeps the old one."""
        token = Secret.of(self.token) if isinstance(self.token, str) else self.token
        try:
            digest = token_digest(token.reveal()) if token else ""
        except SecretUnreadableError:
            return
        if digest == self.token_digest:
            return
        if self.token_digest:
            self.previous_token_digest = self.token_digest
            self.previous_token_until = timezone.now() + TOKEN_OVERLAP
        self.token_digest = digest
