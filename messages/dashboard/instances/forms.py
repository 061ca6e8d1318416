from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from messages.dashboard.shared.forms import CsvField
from messages.domain.problems import Problem
from messages.instances.bulk_import import MAX_BYTES
from messages.instances.credentials import (
    MAX_NAME_LENGTH,
    check_name,
    read_credentials,
    read_partner_token,
)
from messages.instances.tags import read_tags
from messages.instances.webhook_urls import why_push_is_off
from messages.models import Account, OtherKind, WebhookKind
from statusboard.redaction import redact

PUSH = "push"

# The optional webhooks. Message statuses are always received.
CHOICES = (
    (
        WebhookKind.DELIVERY.value,
        _("Dispatch (Z-API: “delivery”): message dispatched, or failed with the reason"),
    ),
    (WebhookKind.CONNECTED.value, _("Connected: notify when the number connects")),
    (WebhookKind.DISCONNECTED.value, _("Disconnected: notify when the number disconnects")),
    (
        OtherKind.RECEIVED.value,
        _("Inbound messages: only who answered which message, and when; texts are not stored"),
    ),
)


class SecretField(forms.CharField):
    """Never shows the stored value; browsers must not fill in a password."""

    widget = forms.PasswordInput(
        attrs={"autocomplete": "new-password", "spellcheck": "false", "class": "mono"}
    )


class CredentialsForm(forms.Form):
    """Parses pasted ids and tokens, and shows problems at their fields.

    Pasted values are parsed before validation. If a URL with a token was pasted as the id, the form
    with errors shows only the id.
    """

    def __init__(
        self, data: QueryDict | None = None, *, known_id: str = "", **options: Any
    ) -> None:
        self._problems: Mapping[str, Problem] = {}
        super().__init__(data and self._parsed(data, known_id), **options)

    def _parsed(self, data: QueryDict, known_id: str) -> QueryDict:
        names = {"zapi_id", "token", "client_token"} & self.base_fields.keys()
        read = read_credentials(**{name: data.get(name, "") for name in names}, known_id=known_id)
        self._problems = read.problems
        meant = data.copy()
        for name in names:
            meant[name] = getattr(read, name)
        if "zapi_id" in names:
            meant["zapi_id"] = redact(read.zapi_id)
        return meant

    def clean(self) -> dict[str, Any]:
        for name, problem in self._problems.items():
            if not self.has_error(name):
                self.add_error(name, str(problem.label))
        return self.cleaned_data


class InstanceForm(CredentialsForm):
    """Changes an instance. A blank secret keeps the stored one."""

    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_NAME_LENGTH,
        validators=[check_name],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Name your team uses, e.g. “Support”."),
    )
    token = SecretField(label=_("Token"), required=False)
    client_token = SecretField(label=_("Client-Token"), required=False)

    tags = forms.CharField(
        label=_("Tags"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Comma-separated tags, e.g. the client’s name."),
    )
    hooks = forms.MultipleChoiceField(
        label=_("Also receive from Z-API"),
        choices=CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Message statuses are always received. If another system uses a webhook, you decide "
            "before its URL is replaced."
        ),
    )

    field_order = ("name", "zapi_id", "token", "client_token", "tags", "hooks")

    @property
    def wants_push(self) -> bool:
        return self.data.get("action") == PUSH

    @property
    def has_new_tokens(self) -> bool:
        return bool(self.cleaned_data["token"] or self.cleaned_data["client_token"])

    def clean_tags(self) -> list[str]:
        return read_tags(self.cleaned_data["tags"])

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        reason = why_push_is_off()
        if self.wants_push and reason:
            raise forms.ValidationError(str(reason.label))
        return data


class NewInstanceForm(InstanceForm):
    """Connects an instance. The id cannot be changed later, because the webhook URL contains it."""

    zapi_id = forms.CharField(
        label=_("Instance id"),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}
        ),
        help_text=_(
            "Copy it from the instance’s page in Z-API’s panel. It cannot be changed later."
        ),
    )
    token = SecretField(
        label=_("Token"),
        help_text=_("Shown next to the instance id in Z-API’s panel."),
    )
    client_token = SecretField(
        label=_("Client-Token"),
        required=False,
        help_text=_(
            "The account security token, if your account has one (Z-API’s panel, "
            "Security). All instances of the account share it."
        ),
    )


class FileForm(forms.Form):
    """Imports instances from a CSV file."""

    file = CsvField(
        help_text=_(
            "The first row has the column names: name, id, token, client_token, tags. For "
            "instances already connected, only “id” is required; blank cells change "
            "nothing."
        ),
    )

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        # Read one byte more than allowed, so that the reader notices.
        content: bytes = file.read(MAX_BYTES + 1)
        return content


class PartnerForm(CredentialsForm):
    """Imports instances from a partner's list at Z-API."""

    account = forms.ModelChoiceField(
        label=_("Account"),
        queryset=Account.objects.none(),
        required=False,
        empty_label=_("New account"),
        help_text=_(
            "Choose an account with a stored partner token (a token below replaces it), or "
            "add a new account."
        ),
    )
    name = forms.CharField(
        label=_("Account name"),
        max_length=MAX_NAME_LENGTH,
        validators=[check_name],
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    partner_token = SecretField(
        label=_("Partner token"),
        required=False,
        help_text=_("Z-API gives this token to its partners. It is stored encrypted."),
    )
    client_token = SecretField(label=_("Client-Token"), required=False)

    def __init__(self, data: QueryDict | None, *, accounts: Any) -> None:
        super().__init__(data)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        if not accounts:
            del self.fields["account"]
            self.fields["name"].required = self.fields["partner_token"].required = True

    def clean_partner_token(self) -> str:
        return read_partner_token(self.cleaned_data["partner_token"])

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not data.get("account"):
            for name in ("name", "partner_token"):
                if not data.get(name) and not self.has_error(name):
                    self.add_error(name, _("Required for a new account."))
        return data
