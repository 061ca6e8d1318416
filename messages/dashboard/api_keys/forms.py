"""The form of a new API key."""

from datetime import datetime, timedelta

from django import forms
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messages.accounts.api_keys import labels_by_default, role_sees_phones
from messages.dashboard.shared.forms import LimitsForm
from messages.models import ApiKey, KeyRole

_READS = {
    KeyRole.SUPPORT: _("Support: messages, their events, summaries and problems."),
    KeyRole.SUPERVISOR: _("Supervisor: messages, their events, summaries, problems and instances."),
    KeyRole.ADMIN: _("Admin: messages, their events, summaries, problems and instances."),
}


def _roles() -> list[tuple[str, str]]:
    """The roles in words. Which of them see masked numbers depends on the settings."""
    return [(role, f"{words} {_numbers(role)}") for role, words in _READS.items()]


def _numbers(role: str) -> str:
    if role_sees_phones(role):
        return gettext("Full phone numbers, also of recipients.")
    return gettext("Masked phone numbers, and no recipients.")


class Scope(TextChoices):
    """The allowed actions of a key; by default those of its role."""

    OF_ROLE = (
        "role",
        _("Usual for the role: Support keys read, Supervisor and Admin keys also label messages"),
    )
    READ = "read", _("Read only")
    BOTH = "both", _("Read and label messages")
    LABEL = "label", _("Label messages only")


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
        help_text=_("System that will use the key, e.g. “CRM”."),
    )
    role = forms.ChoiceField(
        label=_("Data it can read"),
        choices=_roles,
        initial=KeyRole.SUPPORT,
        widget=forms.RadioSelect,
    )
    scope = forms.ChoiceField(
        label=_("Allowed actions"),
        choices=Scope.choices,
        initial=Scope.OF_ROLE,
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
            may_read=data["scope"] != Scope.LABEL,
            may_label=_labels(data["scope"], data["role"]),
            expires_at=_after(data["days"]),
        )


def _labels(scope: str, role: str) -> bool:
    by_default = scope == Scope.OF_ROLE and labels_by_default(role)
    return by_default or scope in {Scope.BOTH, Scope.LABEL}


def _after(days: str) -> datetime | None:
    return None if days == NEVER else timezone.now() + timedelta(days=int(days))
