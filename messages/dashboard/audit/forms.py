"""The filters in the URL of the audit page."""

from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from messages.accounts.scope import visible_instances
from messages.exports import PERIODS, audit_events
from messages.models import Action, AuditEvent, Instance

_PERIOD_LABELS: Final = {
    "24h": _("Last 24 hours"),
    "7d": _("Last 7 days"),
    "30d": _("Last 30 days"),
}


class AuditFilterForm(forms.Form):
    """Read from the URL, so that a filtered list can be bookmarked and shared."""

    who = forms.CharField(label=_("Who"), max_length=150, required=False)
    action = forms.ChoiceField(
        label=_("Action"), choices=[("", _("All actions")), *Action.choices], required=False
    )
    instance = forms.ModelChoiceField(
        label=_("Instance"),
        queryset=Instance.objects.none(),
        empty_label=_("All instances"),
        required=False,
    )
    period = forms.ChoiceField(
        label=_("When"),
        choices=[("", _("All time")), *((key, _PERIOD_LABELS[key]) for key in PERIODS)],
        required=False,
    )
    # Hashes of a person's addresses, because numbers must not appear in URLs.
    person = forms.CharField(max_length=400, required=False, widget=forms.HiddenInput)

    def __init__(self, user: User | AnonymousUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        field: Any = self.fields["instance"]
        field.queryset = visible_instances(user)

    def events(self) -> QuerySet[AuditEvent]:
        """Newest first. Invalid filters are ignored."""
        return audit_events(
            self._user, {name: self.data.get(name, "") for name in self._selected()}
        )

    def query_string(self, **more: object) -> str:
        """The query string of these filters and of the parameters in `more`."""
        selected = {name: self.data.get(name, "") for name in self._selected()}
        return f"?{urlencode(selected | more)}"

    def as_details(self) -> dict[str, str]:
        """The names and values of the filters, for the audit event of an export."""
        return {name: str(value) for name, value in self._selected().items()}

    @property
    def is_narrowed(self) -> bool:
        return bool(self._selected())

    def _selected(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
