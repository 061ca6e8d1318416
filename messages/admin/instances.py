"""Accounts and instances. The site's own pages set them up."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from messages.accounts.audit import audit
from messages.accounts.scope import limited_to
from messages.instances.push import queue_push
from messages.instances.sync import webhooks_of
from messages.instances.webhook_urls import why_push_is_off
from messages.models import Account, Action, Instance, WebhookKind

from .base import ReadOnlyList, link


@admin.register(Account)
class AccountAdmin(ReadOnlyList):
    to_instance = "instances"
    list_display = ["name", "created_at"]
    fields = ["name", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).distinct()  # an account has several instances


@admin.register(Instance)
class InstanceAdmin(ReadOnlyList):
    to_instance = ""
    list_display = ["name", "shown_id", "account", "connected", "webhook", "last_heard", "page"]
    list_select_related = ["account"]
    fields = ["name", "shown_id", "account", "connected", "connection_changed_at", "archived_at"]
    fields += ["page"]
    readonly_fields = ["page"]
    search_fields = ["name", "zapi_id__exact"]
    actions = ["push_webhook"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instance]:
        found = Instance.objects.with_last_heard().prefetch_related("webhooks").order_by("name")
        return limited_to(request.user, found, self.to_instance)

    @admin.display(description=_("page"))
    def page(self, instance: Instance) -> str:
        return link(reverse("dashboard:instance", args=[instance.pk]), _("Open"))

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
