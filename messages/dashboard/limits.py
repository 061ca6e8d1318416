"""What a person or a key is limited to, as a form asks for it."""

from django import forms
from django.utils.translation import gettext_lazy as _

from messages.models import Account, Instance


class LimitsForm(forms.Form):
    """Nothing chosen stands for everywhere."""

    accounts = forms.ModelMultipleChoiceField(
        Account.objects.order_by("name"),
        label=_("Accounts"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    instances = forms.ModelMultipleChoiceField(
        Instance.objects.active().order_by("name"),
        label=_("Instances"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
