from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinLengthValidator, validate_email
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from messages.dashboard.shared.forms import InstancesField
from messages.models import Channel, ChannelKind, IncidentKind
from messages.net import UnsafeUrlError, parse_url

_WRITE_ONLY = {"autocomplete": "off", "spellcheck": "false", "class": "mono"}


class NoteForm(forms.Form):
    note = forms.CharField(max_length=500, required=False)


class ChannelForm(forms.Form):
    """A blank address or secret keeps the stored one."""

    name = forms.CharField(
        label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    kind = forms.ChoiceField(label=_("Type"), choices=ChannelKind.choices)
    address = forms.CharField(
        label=_("Destination"),
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs=_WRITE_ONLY),
        error_messages={"required": _("Enter an e-mail address or a URL.")},
        help_text=_("E-mail addresses separated by commas, or the webhook’s https URL."),
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        max_length=200,
        required=False,
        validators=[MinLengthValidator(16)],
        widget=forms.PasswordInput(attrs=_WRITE_ONLY | {"autocomplete": "new-password"}),
        help_text=_(
            "For signed webhooks only: at least 16 characters. The receiver uses it to check the "
            "signature."
        ),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Problems"),
        choices=IncidentKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty for all."),
    )
    instances = InstancesField(
        label=_("Instances"),
        help_text=_("Leave empty for all, including future ones."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    pause = forms.IntegerField(
        label=_("Minutes between alerts"),
        min_value=0,
        max_value=1440,
        help_text=_("The first alert is immediate; later ones are grouped."),
    )
    enabled = forms.BooleanField(label=_("Enabled"), required=False)

    def __init__(self, channel: Channel, data: QueryDict | None) -> None:
        names = ("name", "kind", "kinds", "language", "pause", "enabled")
        initial = {name: getattr(channel, name) for name in names}
        if channel.pk:
            initial["instances"] = list(channel.instances.values_list("pk", flat=True))
        super().__init__(data, initial=initial)
        field: Any = self.fields["instances"]
        field.show_first(initial.get("instances", []))
        self.channel = channel
        self.fields["address"].required = not channel.address

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        kind, address = data.get("kind"), data.get("address", "")
        if address:
            self._check_address(kind, address)
        elif self.channel.address and kind != self.channel.kind:
            self.add_error("address", _("Enter an e-mail address or a URL."))
        if kind == ChannelKind.WEBHOOK and not (data.get("secret") or self.channel.secret):
            self.add_error("secret", _("A signed webhook needs a signing secret."))
        return data

    def _check_address(self, kind: str | None, address: str) -> None:
        try:
            if kind == ChannelKind.EMAIL:
                for one in address.split(","):
                    validate_email(one.strip())
            else:
                parse_url(address, allow_private=settings.FORWARD_ALLOW_PRIVATE)
        except ValidationError as error:
            self.add_error("address", error)
        except UnsafeUrlError as error:
            self.add_error("address", str(error.message))
