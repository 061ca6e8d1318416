"""What the admin classes share: no changes, no expensive counts, masked numbers, visible rows."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, cast

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db.models import DateTimeField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from messages.accounts.masking import mask_text, masked, sees_phones
from messages.accounts.scope import limited_to, visible_instances

MAX_COUNTED: Final = 1000
_MAX_SEARCH_LENGTH: Final = 500


class TimeFilter(admin.DateFieldListFilter):
    """A filter that reads a time without a time zone in the viewer's time zone."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in (self.lookup_kwarg_since, self.lookup_kwarg_until):
            if name in self.used_parameters:
                values = cast(list[str], self.used_parameters[name])
                self.used_parameters[name] = [self._with_time_zone(value) for value in values]

    def _with_time_zone(self, value: str) -> str | datetime:
        try:
            at = self.field.to_python(value)
        except ValidationError:  # Django rejects it when it filters.
            return value
        return timezone.make_aware(at) if at and timezone.is_naive(at) else value


admin.FieldListFilter.register(
    lambda field: isinstance(field, DateTimeField), TimeFilter, take_priority=True
)


class FilteredList(ChangeList):
    """A list that accepts only its filters: with other lookups, numbers could be guessed."""

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        for name in found[2]:  # parameters that belong to no filter
            raise DisallowedModelAdminLookup(f"{name} is not a filter of this list.")
        return found


class RequestValidationMixin(admin.ModelAdmin):
    """Prevents server errors in Django admin.

    Rejects invalid keys, lookups and `to_field`, and truncates long searches.
    """

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FilteredList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # SQLite limits patterns to 50,000 bytes.
        return super().get_search_results(request, queryset, search_term[:_MAX_SEARCH_LENGTH])

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Allow only the primary key."""
        return to_field == self.opts.pk.name

    def response_action(  # type: ignore[override]  # the stubs are ahead of Django 5.2
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.clean(key, None)
            except ValidationError:
                raise BadRequest("A row was chosen by something that is no key.") from None
        return super().response_action(request, queryset)


class VisibleInstances(admin.RelatedFieldListFilter):
    """A filter with only the instances that the viewer may see."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        visible = visible_instances(request.user).order_by("name")
        return [(str(instance.pk), str(instance)) for instance in visible]


class CappedPaginator(Paginator):
    """Counts no more than MAX_COUNTED rows. Filters and the search find the others.

    The rows keep their order, so that the database reads only the first ones of an index.
    """

    @cached_property
    def count(self) -> int:
        return cast(QuerySet[Any], self.object_list)[:MAX_COUNTED].count()


class ReadOnly(admin.options.BaseModelAdmin):
    """Mixin for admin classes without adding, changing or deleting.

    Shows the same rows and masked numbers as the pages. `to_instance`: the lookup from a row to its
    instance. `masked`: maps each field with a phone number to the method that masks it.
    """

    to_instance = "instance"
    masked: ClassVar[Mapping[str, str]] = {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return limited_to(request.user, super().get_queryset(request), self.to_instance)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*(super().get_exclude(request, obj) or ()), *self._masked_fields(request)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, *self._masked_fields(request).values()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self._shown(request, super().get_fields(request, obj))

    def _masked_fields(self, request: HttpRequest) -> Mapping[str, str]:
        return {} if sees_phones(request.user) else self.masked

    def _shown(self, request: HttpRequest, names: Iterable[Any]) -> list[Any]:
        stand_ins = self._masked_fields(request)
        return list(dict.fromkeys(stand_ins.get(name, name) for name in names))

    @admin.display(description=_("recipient"))
    def masked_phone(self, row: Any) -> str:
        return masked(row.phone)

    @admin.display(description=_("participant"))
    def masked_participant(self, row: Any) -> str:
        return masked(row.participant)

    @admin.display(description=_("reason"))
    def masked_reason(self, row: Any) -> str:
        return mask_text(row.reason)

    @admin.display(description=_("failure"))
    def masked_failure(self, row: Any) -> str:
        return mask_text(row.failure)

    @admin.display(description=_("original status"))
    def masked_raw_status(self, row: Any) -> str:
        return mask_text(row.raw_status)

    @admin.display(description=_("type"))
    def masked_type(self, row: Any) -> str:
        return mask_text(row.type)

    @admin.display(description=_("cause"))
    def masked_why(self, row: Any) -> str:
        return mask_text(row.why)

    @admin.display(description=_("body"))
    def no_body(self, row: Any) -> str:
        return str(_("It contains full phone numbers, which your role cannot see."))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyList(ReadOnly, RequestValidationMixin):
    """A list of evidence and the page of each row."""

    # Counting millions of rows takes too long.
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_display(request))

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        hidden = self._masked_fields(request)
        fields = super().get_search_fields(request)
        return [name for name in fields if name.partition("__")[0] not in hidden]


def link(url: str, words: object) -> str:
    return format_html('<a href="{}">{}</a>', url, words)
