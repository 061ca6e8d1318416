from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from messages.instances.addresses import why_push_is_off

PUSH = "push"

# What can stand in a URL's path and in a header, and what copying by hand adds by mistake.
_no_spaces = RegexValidator(
    r"\A[!-~]+\Z", _("Letters, digits and signs only, without spaces or line breaks.")
)


class SecretField(forms.CharField):
    """Never shows what is stored; browsers must not fill a sign-in into it."""

    widget = forms.PasswordInput(
        attrs={"autocomplete": "new-password", "spellcheck": "false", "class": "mono"}
    )
    default_validators = [_no_spaces]


class InstanceForm(forms.Form):
    """Changes an instance. A blank secret keeps the one that is stored."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("What your people call this WhatsApp number, for example “Support”."),
    )
    token = SecretField(label=_("Token"), max_length=500, required=False)
    client_token = SecretField(label=_("Client-Token"), max_length=500, required=False)

    field_order = ("name", "zapi_id", "token", "client_token")

    @property
    def wants_push(self) -> bool:
        return self.data.get("action") == PUSH

    def clean(self) -> dict[str, Any]:
        reason = why_push_is_off()
        if self.wants_push and reason:
            raise forms.ValidationError(reason)  # type: ignore[arg-type]  # lazy words are words
        return self.cleaned_data


class NewInstanceForm(InstanceForm):
    """Connects an instance: the id cannot be changed later, because the webhook's URL signs it."""

    zapi_id = forms.CharField(
        label=_("Instance id"),
        max_length=128,
        validators=[_no_spaces],
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}
        ),
        help_text=_("From the instance's page in Z-API's panel. It cannot be changed later."),
    )
    token = SecretField(
        label=_("Token"),
        max_length=500,
        help_text=_("It stands beside the instance id in Z-API's panel."),
    )
    client_token = SecretField(
        label=_("Client-Token"),
        max_length=500,
        required=False,
        help_text=_(
            "The account security token (Security, in Z-API's panel), where the account has one. "
            "Instances with the same one share it."
        ),
    )
