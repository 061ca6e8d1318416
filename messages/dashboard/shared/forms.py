"""Form fields that several page groups use."""

from typing import Any

from django import forms
from django.db.models import Case, Value, When
from django.utils.translation import gettext_lazy as _

from messages.models import Account, Instance


class CsvField(forms.FileField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=_("CSV file"),
            widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
            # Django's own Portuguese message has a spelling mistake.
            error_messages={"empty": _("The file is empty.")},
            **options,
        )


class InstancesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not at run time
    """Chooses some of many instances, each shown with its tags."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(Instance.objects.none(), required=False, **options)

    def show_first(self, chosen: list[int]) -> None:
        """List the chosen ones first, so that they are not lost among hundreds."""
        is_chosen = Case(When(pk__in=chosen, then=Value(0)), default=Value(1))
        instances = Instance.objects.active().prefetch_related("tags")
        self.queryset = instances.order_by(is_chosen, "name")

    def label_from_instance(self, obj: Any) -> str:
        tags = ", ".join(tag.name for tag in obj.tags.all())
        return f"{obj.name} · {tags}" if tags else str(obj.name)


class LimitsForm(forms.Form):
    """The accounts and instances that a person or key is limited to. None means no limit."""

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
