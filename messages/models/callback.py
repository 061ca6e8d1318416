import json
import uuid
from contextlib import suppress
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messages.domain.causes import Cause
from statusboard.redaction import redact


class Outcome(models.TextChoices):
    APPLIED = "applied", _("Applied")
    REPEATED = "repeated", _("Repeated")
    IGNORED = "ignored", _("Ignored")
    QUARANTINED = "quarantined", _("Rejected")
    # The person in this callback was erased later. The body was deleted, so rebuilds ignore the
    # callback.
    ERASED = "erased", _("Erased")
    # A person discarded the quarantined callback. The row stays without its body.
    DISCARDED = "discarded", _("Discarded")


class TokenCheck(models.TextChoices):
    """The result of the z-api-token check, if the instance has a token to compare."""

    MATCHES = "matches", _("Matches")
    DIFFERS = "differs", _("Differs")
    MISSING = "missing", _("Missing")


_MAX_WORD_LENGTH = 40
# In characters. Longer bodies are shown without indentation.
_MAX_INDENTED_LENGTH = 64 * 1024
# Why a body is missing, except for deletion by retention.
_WHY_EMPTY = {
    Outcome.IGNORED: _("Callbacks of this type are not stored."),
    Outcome.QUARANTINED: _(
        "The body was not stored, because this instance has too many rejected callbacks, or "
        "retention deleted it. The callback cannot be reprocessed."
    ),
    Outcome.ERASED: _("The content was deleted: it was about a person whose data was erased."),
    Outcome.DISCARDED: _("The content was deleted when the callback was discarded."),
}


class CallbackQuerySet(models.QuerySet["Callback"]):
    def quarantined(self) -> Self:
        return self.filter(outcome=Outcome.QUARANTINED)

    def awaiting_decision(self) -> Self:
        """Kept callbacks in quarantine that a person must reprocess or discard.

        Nobody has to act on those of unknown types.
        """
        return self.quarantined().kept().exclude(cause=Cause.UNKNOWN_TYPE)

    def of_unknown_types(self) -> Self:
        """Callbacks of unknown types, except discarded ones."""
        found = self.exclude(cause="").filter(cause=Cause.UNKNOWN_TYPE)
        return found.exclude(outcome=Outcome.DISCARDED)

    def kept(self) -> Self:
        """Callbacks whose body is stored."""
        return self.exclude(body=b"")


class Callback(models.Model):
    """One authenticated request, stored unchanged. Timelines are built from these callbacks.

    The id is a time-ordered UUID, assigned on arrival, so that a delivery cannot be stored twice.
    For types without a message status, only type, size and time are stored, not the body.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    instance = models.ForeignKey(
        "whatsapp.Instance",
        on_delete=models.PROTECT,
        related_name="callbacks",
        # The index (instance, received_at) below is enough. Another one would slow down every
        # insert.
        db_index=False,
        db_constraint=False,  # no constraint, for the reason given in Message
        verbose_name=_("instance"),
    )
    type = models.CharField(_("type"), max_length=128, blank=True)
    received_at = models.DateTimeField(_("received"))
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    cause = models.CharField(_("cause"), max_length=300, blank=True)
    # The values for the {} placeholders of the cause's message.
    cause_values = models.JSONField(null=True)
    token_check = models.CharField(
        _("z-api-token"), max_length=8, choices=TokenCheck.choices, blank=True
    )
    size = models.IntegerField(_("size in bytes"))
    body = models.BinaryField(_("body"), blank=True)

    objects = CallbackQuerySet.as_manager()

    # Whether it names an instance that the viewer may not see.
    # Set by messages.accounts.foreign_callbacks.
    is_foreign = False

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        indexes = [
            models.Index(fields=["instance", "received_at"]),
            # For the size of each instance's quarantine. The index is partial, so other callbacks
            # do not update it.
            models.Index(
                fields=["instance", "size"],
                name="callback_quarantined",
                condition=Q(outcome=Outcome.QUARANTINED) & ~Q(body=b""),
            ),
            # For the list of quarantined callbacks, newest first. Ids are ordered by time.
            models.Index(
                fields=["id"],
                name="quarantine_newest",
                condition=Q(outcome=Outcome.QUARANTINED),
            ),
            # For callbacks with a cause, such as unknown types. Most callbacks have none, so the
            # index is small.
            models.Index(fields=["id"], name="callback_with_cause", condition=~Q(cause="")),
        ]

    def __str__(self) -> str:
        # The type is left out, because it is unchecked text from the request.
        return f"{self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def why(self) -> str:
        """The cause in the reader's language, or '' if there is none."""
        return Cause.text(self.cause, self.cause_values)

    @property
    def why_empty(self) -> str:
        """Why the body is missing, or '' if there is a body."""
        if self.body:
            return ""
        return str(
            _WHY_EMPTY.get(Outcome(self.outcome), _("The content was deleted by retention."))
        )

    @property
    def reported(self) -> str:
        """The status as Z-API names it, or '' if the body contains none."""
        with suppress(ValueError, RecursionError):
            body = json.loads(bytes(self.body))
            word = body.get("status", "") if isinstance(body, dict) else ""
            return _printable(word)[:_MAX_WORD_LENGTH] if isinstance(word, str) else ""
        return ""

    @property
    def text(self) -> str:
        """The body for display: JSON is indented, and secrets are removed."""
        text = bytes(self.body).decode("utf-8", "replace")
        with suppress(ValueError, RecursionError):
            text = _indented(text)
        return _printable(text)


def _indented(text: str) -> str:
    """Indent JSON. Raises ValueError if the text is not JSON or the result would be too long."""
    if len(text) > _MAX_INDENTED_LENGTH:
        raise ValueError
    parts: list[str] = []
    room = 4 * _MAX_INDENTED_LENGTH
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(text)):
        parts.append(part)
        room -= len(part)
        # Deeply nested elements get much indentation, so the result can become huge.
        if room < 0:
            raise ValueError
    return "".join(parts)


def _printable(text: str) -> str:
    # JSON can contain a lone surrogate (\ud800), which cannot be encoded as UTF-8.
    return redact(text.encode("utf-8", "replace").decode())
