"""Forms for a person's role and limits."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messages.accounts.people import Access
from messages.accounts.roles import (
    ADMIN,
    REVEAL_PHONE,
    SEE_PHONES,
    SUPERVISOR,
    SUPPORT,
    permissions_of,
)
from messages.dashboard.shared.forms import LimitsForm

_MAY = {
    SUPPORT: _("Support: search messages, see their status, the Overview and open problems."),
    SUPERVISOR: _(
        "Supervisor: the same as Support. Also see instances, export and label messages, share "
        "views, and say who works on a problem."
    ),
    ADMIN: _(
        "Admin: the same as Supervisor. Also connect instances, read raw callbacks, and manage "
        "people, API keys, alerts, retention and a person’s data."
    ),
}


def _roles() -> list[tuple[str, str]]:
    """The roles in words. Which of them see masked numbers depends on the settings."""
    return [(role, f"{words} {_numbers(permissions_of(role))}") for role, words in _MAY.items()]


def _numbers(permissions: Collection[str]) -> str:
    if SEE_PHONES in permissions:
        return gettext("Sees full phone numbers.")
    if REVEAL_PHONE in permissions:
        return gettext("Sees masked phone numbers, and can reveal one by giving a reason.")
    return gettext("Sees only masked phone numbers.")


class AccessForm(LimitsForm):
    role = forms.ChoiceField(
        label=_("Role"), choices=_roles, widget=forms.RadioSelect, initial=SUPPORT
    )

    @property
    def access(self) -> Access:
        data = self.cleaned_data
        return Access(data["role"], tuple(data["accounts"]), tuple(data["instances"]))

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("role") == ADMIN and (data.get("accounts") or data.get("instances")):
            why = _("Admins see everything. Choose another role or remove the limits.")
            self.add_error("role", why)
        return data


class InvitationForm(AccessForm):
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Used to sign in. Letters, digits and @ . + - _ only."),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_(
            "We send the invitation to this address. Without one, you send the link yourself."
        ),
    )

    field_order = ("username", "email", "role", "accounts", "instances")

    def clean_username(self) -> str:
        username: str = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError(_("This user name is already taken."))
        return username

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email and User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("This e-mail address is already in use."))
        return email
