"""Forms for a person's role and limits."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _

from messages.accounts.people import Access
from messages.accounts.roles import ADMIN, SUPERVISOR, SUPPORT
from messages.dashboard.shared.forms import LimitsForm

ROLES = [
    (SUPPORT, _("Support: search messages and see their status")),
    (SUPERVISOR, _("Supervisor: also see instances, export, reveal numbers")),
    (ADMIN, _("Admin: also connect instances, invite people, read raw callbacks")),
]


class AccessForm(LimitsForm):
    role = forms.ChoiceField(
        label=_("Role"), choices=ROLES, widget=forms.RadioSelect, initial=SUPPORT
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
