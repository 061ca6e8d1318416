from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class CsvField(forms.FileField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=_("CSV file"),
            widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
            # Django's own words for it are misspelt in Portuguese.
            error_messages={"empty": _("The file is empty.")},
            **options,
        )
