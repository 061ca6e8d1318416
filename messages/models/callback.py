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
    # It came, and whom it spoke of was erased since: its body is gone, and it is evidence no more.
    ERASED = "erased", _("Erased")
    # Once quarantined, and given up by a person: the row stays, its body is gone.
    DISCARDED = "discarded", _("Discarded")


class TokenCheck(models.TextChoices):
    """What z-api-token was, where the instance's policy looks at it."""

    MATCHES = "matches", _("Matches")
    DIFFERS = "differs", _("Differs")
    MISSING = "missing", _("Missing")


_MAX_WORD_LENGTH = 40
# In characters. Longer bodies are shown as they came.
_MAX_INDENTED_LENGTH = 64 * 1024
# Why a body is not there, where it was not simply too old.
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

    def of_unknown_types(self) -> Self:
        """Those that were read as a status all the same, and those in quarantine."""
        found = self.exclude(cause="").filter(cause=Cause.UNKNOWN_TYPE)
        return found.exclude(outcome=Outcome.DISCARDED)

    def kept(self) -> Self:
        """Those whose body is still there."""
        return self.exclude(body=b"")


class Callback(models.Model):
    """One authenticated delivery as it came: the evidence behind every timeline.

    The id is a time-ordered UUID given at the door, so that storing a delivery twice is impossible.
    Types known to say nothing of a message's status keep type, size and time, not the body.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    instance = models.ForeignKey(
        "whatsapp.Instance",
        on_delete=models.PROTECT,
        related_name="callbacks",
        # Its index is the one below; a second one would cost every callback a write.
        db_index=False,
        db_constraint=False,  # as in Message
        verbose_name=_("instance"),
    )
    type = models.CharField(_("type"), max_length=128, blank=True)
    received_at = models.DateTimeField(_("received"))
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    cause = models.CharField(_("cause"), max_length=300, blank=True)
    # Of the {} in the cause's sentence.
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
            # What the quarantine holds, by instance. It costs no other callback a write.
            models.Index(
                fields=["instance", "size"],
                name="callback_quarantined",
                condition=Q(outcome=Outcome.QUARANTINED) & ~Q(body=b""),
            ),
            # And all of it, newest first: the ids are ordered in time.
            models.Index(
                fields=["id"],
                name="quarantine_newest",
                condition=Q(outcome=Outcome.QUARANTINED),
            ),
            # Those of unknown types, of which most callbacks are none.
            models.Index(fields=["id"], name="callback_with_cause", condition=~Q(cause="")),
        ]

    def __str__(self) -> str:
        # Without its type, which may be anything that was sent.
        return f"{self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def why(self) -> str:
        """The cause in the reader's language, '' where nothing was wrong."""
        return Cause.text(self.cause, self.cause_values)

    @property
    def why_empty(self) -> str:
        """Where there is no body to show; '' where there is."""
        if self.body:
            return ""
        return str(
            _WHY_EMPTY.get(Outcome(self.outcome), _("The content was deleted by retention."))
        )

    @property
    def reported(self) -> str:
        """The status in Z-API's own word, '' where the body has none."""
        with suppress(ValueError, RecursionError):
            body = json.loads(bytes(self.body))
            word = body.get("status", "") if isinstance(body, dict) else ""
            return _printable(word)[:_MAX_WORD_LENGTH] if isinstance(word, str) else ""
        return ""

    @property
    def text(self) -> str:
        """The body for a person: indented where it is JSON, and without the secrets in it."""
        text = bytes(self.body).decode("utf-8", "replace")
        with suppress(ValueError, RecursionError):
            text = _indented(text)
        return _printable(text)


def _indented(text: str) -> str:
    """Raises ValueError for what is no JSON, or would grow to many times its length."""
    if len(text) > _MAX_INDENTED_LENGTH:
        raise ValueError
    parts: list[str] = []
    room = 4 * _MAX_INDENTED_LENGTH
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(text)):
        parts.append(part)
        room -= len(part)
        # An element in many brackets is written with as many spaces.
        if room < 0:
            raise ValueError
    return "".join(parts)


def _printable(text: str) -> str:
    # JSON can name half a character (\ud800), which no page can be written with.
    return redact(text.encode("utf-8", "replace").decode())
