from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from messages.privacy import Person, UnclearPersonError, find_person


class PersonForm(forms.Form):
    """Only sent by POST, so that no number appears in a URL or log."""

    person = forms.CharField(
        label=_("Number or LID"),
        max_length=64,
        help_text=format_lazy(
            _("A full number with country code, such as {number}, or a LID."),
            number="+55\u00a044\u00a099999-9999",  # no-break spaces keep it on one line
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_person(self) -> Person:
        try:
            return find_person(self.cleaned_data["person"])
        except UnclearPersonError as error:
            raise forms.ValidationError(str(error)) from None


class ErasureForm(PersonForm):
    confirmation = forms.CharField(
        label=_("Repeat the number or LID"),
        max_length=64,
        help_text=_("Erased data cannot be restored."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].widget = forms.HiddenInput()

    def clean_confirmation(self) -> str:
        text: str = self.cleaned_data["confirmation"]
        try:
            same = find_person(text) == self.cleaned_data.get("person")
        except UnclearPersonError:
            same = False
        if not same:
            raise forms.ValidationError(_("This is not the same number or LID."))
        return text
