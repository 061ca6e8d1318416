"""What an admin says about a new key."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from messages.models import ApiKey, KeyRole

from ..limits import LimitsForm

ROLES = [
    (KeyRole.SUPPORT, _("Support: messages, events, recipients and summaries")),
    (KeyRole.SUPERVISOR, _("Supervisor: also instances and incidents")),
    (KeyRole.ADMIN, _("Admin: so far the same as Supervisor")),
]
READ, LABELS = "read", "labels"
NEVER = "never"
LIFETIMES = [
    ("30", _("After 30 days")),
    ("90", _("After 90 days")),
    ("365", _("After a year")),
    (NEVER, _("Never")),
]


class ApiKeyForm(LimitsForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Which software it is for, for example “CRM”."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[(READ, pgettext_lazy("API key", "Read")), (LABELS, _("Label messages"))],
        initial=[READ],
        widget=forms.CheckboxSelectMultiple,
    )
    role = forms.ChoiceField(
        label=_("What it reads"),
        choices=ROLES,
        initial=KeyRole.SUPPORT,
        widget=forms.RadioSelect,
    )
    days = forms.ChoiceField(label=_("Expires"), choices=LIFETIMES, initial="365")

    @property
    def key(self) -> ApiKey:
        """Not saved yet."""
        data = self.cleaned_data
        return ApiKey(
            name=data["name"],
            role=data["role"],
            may_read=READ in data["scopes"],
            may_label=LABELS in data["scopes"],
            expires_at=_after(data["days"]),
        )


def _after(days: str) -> datetime | None:
    return None if days == NEVER else timezone.now() + timedelta(days=int(days))
