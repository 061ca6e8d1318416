"""What a person or a key is limited to, as a form asks for it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from messages.models import Account

from .instances_field import InstancesField


class LimitsForm(forms.Form):
    """Nothing chosen stands for everywhere."""

    accounts = forms.ModelMultipleChoiceField(
        Account.objects.order_by("name"),
        label=_("Accounts"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    instances = InstancesField(label=_("Instances"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["instances"]
        field.show_first(self.initial.get("instances", []))
