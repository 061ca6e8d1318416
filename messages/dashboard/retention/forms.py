from typing import Any

from django import forms

from messages.models import DataKind, Retention
from messages.privacy.retention import MIN_DAYS, period_errors


class RetentionForm(forms.Form):
    """The number of days for each kind; blank keeps it forever.

    A preview accepts blank fields that must be filled in before saving: `missing`.
    """

    def __init__(self, *args: Any, is_preview: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_preview = is_preview
        self.missing: set[DataKind] = set()
        stored = dict(Retention.objects.values_list("kind", "days"))
        for kind in DataKind:
            self.fields[kind.value] = forms.IntegerField(
                label=kind.label,
                required=False,
                min_value=1,
                max_value=36_500,
                initial=stored.get(kind.value),
                widget=forms.NumberInput(attrs={"class": "input", "min": MIN_DAYS[kind]}),
            )

    def clean(self) -> dict[str, Any]:
        days = self.days
        for kind, error in period_errors(days).items():
            if self._is_preview and days[kind] is None and kind.value not in self.errors:
                self.missing.add(kind)
            else:
                self.add_error(kind.value, error)
        return self.cleaned_data

    @property
    def days(self) -> dict[DataKind, int | None]:
        """The entered values that are valid numbers."""
        return {kind: self.cleaned_data.get(kind.value) for kind in DataKind}
