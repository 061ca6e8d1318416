from typing import Any

from django import forms

from messages.models import Kept, Retention
from messages.privacy.retention import LEAST_DAYS, complaints


class RetentionForm(forms.Form):
    """A number of days for each kind; blank keeps it for good."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = dict(Retention.objects.values_list("kind", "days"))
        for kind in Kept:
            self.fields[kind.value] = forms.IntegerField(
                label=kind.label,
                required=False,
                min_value=1,
                max_value=36_500,
                initial=stored.get(kind.value),
                widget=forms.NumberInput(attrs={"class": "input", "min": LEAST_DAYS[kind]}),
            )

    def clean(self) -> dict[str, Any]:
        for kind, words in complaints(self.days).items():
            self.add_error(kind.value, words)
        return self.cleaned_data

    @property
    def days(self) -> dict[Kept, int | None]:
        """As entered, once that was found to be numbers."""
        return {kind: self.cleaned_data.get(kind.value) for kind in Kept}
