from django.db import models
from django.utils.translation import gettext_lazy as _

from messages.domain.causes import Cause


class SpooledCallback(models.Model):
    """A delivery stored on this machine's disk while the database is unavailable.

    The table exists only in the database `spool` (see SpoolRouter), so it has no foreign keys.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    zapi_id = models.CharField(_("instance id"), max_length=128)
    key_version = models.PositiveIntegerField(_("key version"))
    received_at = models.DateTimeField(_("received"))
    body = models.BinaryField(_("body"))
    token_digest = models.CharField(max_length=64, blank=True)
    # Why the database refused the callback; '' while it waits.
    cause = models.CharField(_("cause"), max_length=300, blank=True)
    cause_values = models.JSONField(null=True)

    class Meta:
        verbose_name = _("callback in the offline buffer")
        verbose_name_plural = _("callbacks in the offline buffer")
        # For waiting callbacks, oldest first: ids are ordered by time.
        indexes = [models.Index(fields=["cause", "id"], name="spooled_in_order")]

    def __str__(self) -> str:
        return f"{self.zapi_id} {self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def why(self) -> str:
        """The cause in the reader's language."""
        return Cause.text(self.cause, self.cause_values)


class SpoolRouter:
    """Routes only SpooledCallback to the database `spool`."""

    alias = "spool"
    _model_name = SpooledCallback.__name__.lower()

    def db_for_read(self, model: type[models.Model], **_: object) -> str | None:
        return self.alias if model is SpooledCallback else None

    db_for_write = db_for_read

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **_: object
    ) -> bool:
        return (db == self.alias) == (app_label == "whatsapp" and model_name == self._model_name)
