"""The kinds of answers to a message.

Answers are shown beside the steps and never change the message's rank. An answer proves that the
contact saw the message, even without a read confirmation.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AnswerKind(TextChoices):
    """How somebody answered. The value is stored and returned by the API."""

    REPLY = "reply", _("Answered")
    REACTION = "reaction", _("Reacted")
    VOTE = "vote", _("Voted")
    BUTTON = "button", _("Pressed a button")
    LIST = "list", _("Chose from the list")
