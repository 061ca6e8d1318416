"""Some of many instances chosen in a form: the chosen ones first, each with its tags."""

from typing import Any

from django import forms
from django.db.models import Case, Value, When

from messages.models import Instance


class InstancesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not at run time
    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(Instance.objects.none(), required=False, **options)

    def show_first(self, chosen: list[int]) -> None:
        """Chosen entries come first, so that nobody has to look for them among hundreds."""
        is_chosen = Case(When(pk__in=chosen, then=Value(0)), default=Value(1))
        instances = Instance.objects.active().prefetch_related("tags")
        self.queryset = instances.order_by(is_chosen, "name")

    def label_from_instance(self, obj: Any) -> str:
        tags = ", ".join(tag.name for tag in obj.tags.all())
        return f"{obj.name} · {tags}" if tags else str(obj.name)
