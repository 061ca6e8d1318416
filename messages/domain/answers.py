"""The kinds of answers to a message. They stand beside its steps and never change its rank.

An answer proves that the contact saw the message, also where no read confirmation comes.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AnswerKind(TextChoices):
    """How somebody answered. The value is stored and given out by the API."""

    REPLY = "reply", _("Answered")
    REACTION = "reaction", _("Reacted")
    VOTE = "vote", _("Voted")
    BUTTON = "button", _("Pressed a button")
    LIST = "list", _("Chose from the list")
