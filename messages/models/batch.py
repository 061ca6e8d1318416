"""A batch applies one action to many instances. The worker processes its rows one by one."""

from datetime import timedelta
from typing import Final, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models.due import LeaseQuerySet, is_due
from statusboard.redaction import redact

from .account import Account
from .fields import ProblemFields, SecretField
from .instance import Instance


class BatchKind(models.TextChoices):
    IMPORT = "import", _("Import instances")
    PUSH = "push", _("Push all")
    VERIFY = "verify", _("Verify all")


class Plan(models.TextChoices):
    """The action planned for a row."""

    ADD = "add", _("Add")
    UPDATE = "update", _("Update")
    SKIP = "skip", _("Skip")
    REFUSE = "refuse", _("Cannot be imported")
    PUSH = "push", _("Push")
    VERIFY = "verify", _("Verify")


class RowState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    LEFT_OUT = "left out", _("Skipped")


class Batch(models.Model):
    """One action on many instances. It is a preview until `started_at` is set."""

    kind = models.CharField(_("kind"), max_length=10, choices=BatchKind.choices)
    # Set for imports from a partner's list. In imports from a file, each row has its own account.
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("account")
    )
    pushes = models.BooleanField(_("push imported instances"), default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("who"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class BatchRowQuerySet(LeaseQuerySet["BatchRow"]):
    def due(self) -> Self:
        return self.filter(
            is_due("next_try_at", timezone.now(), BatchRow.LEASE),
            state=RowState.WAITING,
            batch__started_at__isnull=False,
        ).order_by("id")


class BatchRow(ProblemFields):
    """The row of one instance in a batch. Its secrets are deleted when the row is done."""

    # After this time, another worker may take the row.
    LEASE: Final = timedelta(minutes=10)

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="rows")
    # The line of the file, or the place in the list, counted from 1.
    number = models.PositiveIntegerField(_("row"))
    instance = models.ForeignKey(
        Instance, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("instance")
    )
    plan = models.CharField(_("action"), max_length=10, choices=Plan.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=RowState.choices, default=RowState.WAITING
    )
    name = models.CharField(_("name"), max_length=100, blank=True)
    zapi_id = models.CharField(_("instance id"), max_length=128, blank=True)
    token = SecretField(_("token"))
    client_token = SecretField(_("Client-Token"))
    tags = models.CharField(_("tags"), max_length=500, blank=True)
    # The result of bulk_import.changes_of(): what an update changes, without secrets.
    changes = models.JSONField(_("changes"), default=dict)
    # A worker that takes the row sets this to the end of its lease. Other workers skip the row
    # until then.
    next_try_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(_("done"), null=True)

    objects = BatchRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("row of a batch")
        verbose_name_plural = _("rows of batches")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="batch_row_once"),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="batch_row_waiting",
                condition=models.Q(state=RowState.WAITING),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.zapi_id or self.instance}"

    @property
    def shown_id(self) -> str:
        """The id to display; see Instance.shown_id."""
        return redact(self.zapi_id)
