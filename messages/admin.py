"""Django admin, mostly read-only: data from callbacks is evidence and cannot be changed."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from allauth.usersessions.admin import UserSession
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from messages.accounts.audit import audit
from messages.accounts.masking import mask_text, masked, sees_phones
from messages.accounts.people import apply_admin_change, describe_access
from messages.accounts.scope import is_limited, limited_to, visible_instances
from messages.domain.causes import Cause
from messages.ingest import replay
from messages.instances.push import queue_push
from messages.instances.sync import webhooks_of
from messages.instances.webhook_urls import why_push_is_off
from messages.models import (
    Account,
    Action,
    Callback,
    Instance,
    Message,
    Outcome,
    StatusEvent,
    WebhookKind,
)

# allauth's models hold secrets, and their owners have pages for them. Groups are defined in code
# (messages.accounts.roles). allauth's e-mail addresses are not used.
admin.site.unregister([Authenticator, UserSession, EmailAddress, User, Group])


_MAX_SEARCH_LENGTH: Final = 500


class RequestValidationMixin(admin.ModelAdmin):
    """Prevents server errors in Django admin.

    Rejects invalid keys and `to_field`, and truncates long searches.
    """

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


@admin.register(User)
class PeopleAdmin(RequestValidationMixin, UserAdmin):
    """Users. Only superusers have access, because this form can grant superuser rights.

    Admins use the People page. Changes here are audited too.
    """

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    has_change_permission = has_delete_permission = has_view_permission

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if change:
            before = form.initial.get("email", "")
            apply_admin_change(request, obj, form.changed_data, email_before=before)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        _audit_user(request, obj, added=True)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        _audit_user(request, obj, fields=_changed_fields(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[User]) -> Any:
        for user in queryset:
            _audit_user(request, user, deleted=True)
        return super().log_deletions(request, queryset)


def _audit_user(request: HttpRequest, user: User, **told: object) -> None:
    user = User.objects.get(pk=user.pk)  # without cached permissions
    audit(request, Action.USER_CHANGED, details=describe_access(user) | told)


def _changed_fields(message: Any) -> list[str]:
    """Return the fields of a change message: [{"changed": {"fields": ["Staff status"]}}]."""
    parts = message if isinstance(message, list) else []
    return [name for part in parts for name in part.get("changed", {}).get("fields", ())]


class VisibleInstances(admin.RelatedFieldListFilter):
    """A filter with only the instances that the viewer may see."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        visible = visible_instances(request.user).order_by("name")
        return [(str(instance.pk), str(instance)) for instance in visible]


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

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the filters: with other lookups, numbers could be guessed digit by digit."""
        filters = getattr(self, "list_filter", ())
        names = [one[0] if isinstance(one, tuple) else one for one in filters]
        is_filter = lookup.partition("__")[0] in names
        return is_filter and super().lookup_allowed(lookup, value, request)

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


class StatusEventInline(ReadOnly, admin.TabularInline):
    model = StatusEvent
    to_instance = "message__instance"
    masked = {
        "phone": "masked_phone",
        "participant": "masked_participant",
        "reason": "masked_reason",
        "raw_status": "masked_raw_status",
    }
    ordering = ["occurred_at", "received_at"]
    fields = ["status", "raw_status", "occurred_at", "received_at", "phone", "participant"]
    fields += ["device", "reason", "repeats"]
    extra = 0


@admin.register(Message)
class MessageAdmin(ReadOnly, RequestValidationMixin):
    masked = {"phone": "masked_phone", "failure": "masked_failure"}
    list_display = ["zapi_id", "status", "phone", "instance", "last_event_at"]
    list_filter = [("instance", VisibleInstances), "is_group", "inbound"]
    list_select_related = ["instance"]
    search_fields = ["zapi_id__exact", "zaap_id__exact", "phone__exact"]
    search_help_text = _("Enter a full message id, Z-API id or phone number (digits only).")
    ordering = ["-first_heard_at", "-id"]
    inlines = [StatusEventInline]
    # Counting millions of rows takes too long.
    show_full_result_count = False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_display(request))

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        fields = super().get_search_fields(request)
        return [
            name for name in fields if name.partition("__")[0] not in self._masked_fields(request)
        ]

    @admin.display(description=_("status"))
    def status(self, message: Message) -> str:
        return str(message.status.label)


@admin.register(Callback)
class CallbackAdmin(ReadOnly, RequestValidationMixin):
    list_display = ["received_at", "type", "instance", "outcome", "why", "size"]
    masked = {"body_as_text": "no_body", "type": "masked_type", "why": "masked_why"}
    list_filter = ["outcome", ("instance", VisibleInstances)]
    list_select_related = ["instance"]
    ordering = ["-received_at"]
    fields = ["id", "received_at", "instance", "type", "outcome", "why", "size", "body_as_text"]
    show_full_result_count = False
    actions = ["reprocess"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_display(request))

    @admin.action(description=_("Reprocess rejected callbacks"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, queryset: QuerySet[Callback]) -> None:
        result = replay(queryset.filter(outcome=Outcome.QUARANTINED))
        audit(request, Action.REPLAYED, details=dict(result.outcomes))
        words = _("%(settled)d reprocessed, %(left)d still rejected.")
        settled = result.tried - result.outcomes[Outcome.QUARANTINED]
        messages.info(request, words % {"settled": settled, "left": result.left})

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_callback")

    @admin.display(description=_("cause"))
    def why(self, callback: Callback) -> str:
        return callback.why

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Exclude callbacks about instances that the viewer may not see."""
        found = super().get_queryset(request)
        return found.exclude(cause=Cause.OTHER_INSTANCE) if is_limited(request.user) else found

    @admin.display(description=_("body"))
    def body_as_text(self, callback: Callback) -> str:
        return callback.why_empty or format_html("<pre>{}</pre>", callback.text)


@admin.register(Account)
class AccountAdmin(ReadOnly, RequestValidationMixin):
    to_instance = "instances"
    list_display = ["name", "created_at"]
    fields = ["name", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).distinct()  # an account has several instances


@admin.register(Instance)
class InstanceAdmin(ReadOnly, RequestValidationMixin):
    to_instance = ""
    list_display = ["name", "shown_id", "account", "connected", "webhook", "last_heard"]
    list_select_related = ["account"]
    fields = ["name", "shown_id", "account", "connected", "connection_changed_at", "archived_at"]
    actions = ["push_webhook"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instance]:
        found = Instance.objects.with_last_heard().prefetch_related("webhooks").order_by("name")
        return limited_to(request.user, found, self.to_instance)

    @admin.display(description=_("instance id"), ordering="zapi_id")
    def shown_id(self, instance: Instance) -> str:
        return instance.shown_id

    @admin.display(description=_("webhook"))
    def webhook(self, instance: Instance) -> str:
        return ", ".join(str(hook.get_state_display()) for hook in instance.webhooks.all()) or "–"

    @admin.display(description=_("last callback"))
    def last_heard(self, instance: Instance) -> Any:
        return instance.last_heard_at

    @admin.action(description=_("Push the webhook to Z-API"), permissions=["push"])
    def push_webhook(self, request: HttpRequest, queryset: QuerySet[Instance]) -> None:
        if reason := why_push_is_off():
            messages.error(request, str(reason.label))
        for instance in queryset:
            webhook = webhooks_of(instance)[WebhookKind.MESSAGE_STATUS]
            webhook.wanted = True
            queue_push([webhook])
            audit(request, Action.WEBHOOK_PUSHED, about=instance, details={"kind": webhook.kind})
        if not reason:
            messages.success(
                request, _("The worker is updating Z-API. Reload this page to see the result.")
            )

    def has_push_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_instance")
