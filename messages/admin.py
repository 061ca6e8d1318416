"""The operators' edge. Evidence is for reading: what a callback wrote, no hand may change."""

from typing import Any

from allauth.mfa.admin import Authenticator
from allauth.usersessions.admin import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from messages.audit import Action, audit
from messages.ingest import replay
from messages.instances.push import push
from messages.models import Account, Callback, Instance, Message, Outcome, StatusEvent, WebhookState

# What these hold is secret, and their owners have pages for them. Importing registered them.
admin.site.unregister([Authenticator, UserSession, User])


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """For superusers: whoever may change a user here may make anybody a superuser.

    Admins have the page People.
    """

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    has_change_permission = has_delete_permission = has_view_permission


class ReadOnly:
    """Mixed into an admin class: look, but neither add, change nor delete."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class StatusEventInline(ReadOnly, admin.TabularInline):
    model = StatusEvent
    ordering = ["occurred_at", "received_at"]
    fields = ["status", "raw_status", "occurred_at", "received_at", "phone", "participant"]
    fields += ["device", "reason", "repeats"]
    extra = 0


@admin.register(Message)
class MessageAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["zapi_id", "status", "phone", "instance", "last_event_at"]
    list_filter = ["instance", "is_group", "inbound"]
    list_select_related = ["instance"]
    search_fields = ["zapi_id__exact", "zaap_id__exact", "phone__exact"]
    search_help_text = _("A whole message id, zaap id or phone in digits.")
    ordering = ["-first_heard_at", "-id"]
    inlines = [StatusEventInline]
    # Counting millions of rows to say how many there are is not worth the wait.
    show_full_result_count = False

    @admin.display(description=_("status"))
    def status(self, message: Message) -> str:
        return str(message.status.label)


@admin.register(Callback)
class CallbackAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["received_at", "type", "instance", "outcome", "why", "size"]
    list_filter = ["outcome", "instance"]
    list_select_related = ["instance"]
    ordering = ["-received_at"]
    fields = ["id", "received_at", "instance", "type", "outcome", "why", "size", "body_as_text"]
    show_full_result_count = False
    actions = ["reprocess"]

    @admin.action(description=_("Reprocess those that are quarantined"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, queryset: QuerySet[Callback]) -> None:
        result = replay(queryset.filter(outcome=Outcome.QUARANTINED))
        audit(request, Action.REPLAYED, details=dict(result.outcomes))
        words = _("%(settled)d reprocessed, %(left)d still quarantined.")
        settled = result.tried - result.outcomes[Outcome.QUARANTINED]
        messages.info(request, words % {"settled": settled, "left": result.left})

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_callback")

    @admin.display(description=_("cause"))
    def why(self, callback: Callback) -> str:
        return callback.why

    @admin.display(description=_("body"))
    def body_as_text(self, callback: Callback) -> str:
        return callback.why_empty or format_html("<pre>{}</pre>", callback.text)


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "created_at"]
    fields = ["name", "created_at"]


@admin.register(Instance)
class InstanceAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "zapi_id", "account", "connected", "webhook", "last_heard"]
    list_select_related = ["account"]
    fields = ["name", "zapi_id", "account", "connected", "connection_changed_at", "archived_at"]
    actions = ["push_webhook"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instance]:
        return Instance.objects.with_last_heard().prefetch_related("webhooks").order_by("name")

    @admin.display(description=_("webhook"))
    def webhook(self, instance: Instance) -> str:
        return ", ".join(str(hook.get_state_display()) for hook in instance.webhooks.all()) or "–"

    @admin.display(description=_("last callback heard"))
    def last_heard(self, instance: Instance) -> Any:
        return instance.last_heard_at

    @admin.action(description=_("Push the webhook to Z-API"), permissions=["push"])
    def push_webhook(self, request: HttpRequest, queryset: QuerySet[Instance]) -> None:
        for instance in queryset:
            webhook = push(instance)
            if webhook.state == WebhookState.IN_SYNC:
                words = _("%(instance)s: pushed, read back, in sync.") % {"instance": instance}
                messages.success(request, words)
            else:
                messages.error(request, f"{instance}: {webhook.words}")

    def has_push_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("whatsapp.change_instance")
