from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from messages.models import Webhook


class ForwardingForm(forms.Form):
    """Where to forward one kind of callback. messages.forwarding validates the URL."""

    forward_to = forms.CharField(
        label=_("Forward to"),
        required=False,
        max_length=500,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_("An https URL. Leave empty to turn off."),
    )
    forwards_token = forms.BooleanField(
        label=_("Forward z-api-token"),
        required=False,
        help_text=_("This token can send messages. Forward it only to a receiver that needs it."),
    )

    def __init__(self, data: Any = None, *, webhook: Webhook) -> None:
        stored = {"forward_to": webhook.forward_to, "forwards_token": webhook.forwards_token}
        # The page has several of these forms.
        super().__init__(data, initial=stored, auto_id=f"{webhook.kind}_%s")
