"""Messages, their events and callbacks, problems and the audit log. None of them can be changed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from messages.accounts.audit import audit
from messages.accounts.masking import mask_text
from messages.accounts.scope import is_limited
from messages.domain.causes import Cause
from messages.exports import details_in_words
from messages.incidents.visibility import visible_incidents
from messages.ingest import replay
from messages.models import (
    Action,
    AuditEvent,
    Callback,
    Incident,
    Message,
    Outcome,
    StatusEvent,
)

from .base import ReadOnly, ReadOnlyList, VisibleInstances, link


def _message_links(pk: int, words: object) -> str:
    """A link to the message in Django admin, and one to its own page."""
    here = link(reverse("admin:whatsapp_message_change", args=[pk]), words)
    there = link(reverse("dashboard:message", args=[pk]), _("Open page"))
    return format_html("{} · {}", here, there)


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
class MessageAdmin(ReadOnlyList):
    masked = {"phone": "masked_phone", "failure": "masked_failure"}
    list_display = ["zapi_id", "status", "phone", "instance", "first_heard_at", "page"]
    list_filter = ["first_heard_at", ("instance", VisibleInstances), "is_group", "inbound"]
    list_select_related = ["instance"]
    search_fields = ["zapi_id__exact", "zaap_id__exact", "phone__exact"]
    search_help_text = _("Enter a full message id, Z-API id or phone number (digits only).")
    ordering = ["-first_heard_at", "-id"]
    readonly_fields = ["page"]
    inlines = [StatusEventInline]

    @admin.display(description=_("status"))
    def status(self, message: Message) -> str:
        return str(message.status.label)

    @admin.display(description=_("page"))
    def page(self, message: Message) -> str:
        return link(reverse("dashboard:message", args=[message.pk]), _("Open"))


@admin.register(StatusEvent)
class StatusEventAdmin(ReadOnlyList):
    to_instance = "message__instance"
    masked = StatusEventInline.masked
    list_display = ["occurred_at", "status", "of_message", "phone", "reason"]
    list_filter = [("message__instance", VisibleInstances)]
    list_select_related = ["message"]
    search_fields = ["message__zapi_id__exact", "message__zaap_id__exact"]
    search_help_text = _("Enter a full message id or Z-API id.")
    ordering = ["-id"]
    fields = ["of_message", "status", "raw_status", "occurred_at", "time_is_arrival", "received_at"]
    fields += ["phone", "participant", "device", "reason", "repeats", "first_callback"]
    readonly_fields = ["of_message", "first_callback"]

    @admin.display(description=_("message"))
    def of_message(self, event: StatusEvent) -> str:
        return _message_links(event.message_id, event.message.zapi_id)

    @admin.display(description=_("first callback"))
    def first_callback(self, event: StatusEvent) -> str:
        """The callback may be purged."""
        url = reverse("admin:whatsapp_callback_change", args=[event.callback_id])
        return link(url, event.callback_id)


@admin.register(Callback)
class CallbackAdmin(ReadOnlyList):
    list_display = ["received_at", "type", "instance", "outcome", "why", "size"]
    masked = {"body_as_text": "no_body", "type": "masked_type", "why": "masked_why"}
    list_filter = ["received_at", "outcome", ("instance", VisibleInstances)]
    list_select_related = ["instance"]
    search_fields = ["id__exact"]
    search_help_text = _("Enter a full callback id.")
    # Ids are ordered by time, and have an index.
    ordering = ["-id"]
    fields = ["id", "received_at", "instance", "type", "outcome", "why", "size", "body_as_text"]
    actions = ["reprocess"]

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


@admin.register(Incident)
class IncidentAdmin(ReadOnlyList):
    list_display = ["kind", "instance", "place", "opened_at", "resolved_at", "acknowledged_by"]
    list_filter = ["opened_at", "kind", ("instance", VisibleInstances)]
    ordering = ["-id"]
    fields = ["kind", "instance", "place", "opened_at", "last_seen_at", "resolved_at"]
    fields += ["acknowledged_at", "acknowledged_by", "note"]
    masked = {"note": "masked_note", "place": "masked_place"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return visible_incidents(request.user).order_by(*self.ordering)

    @admin.display(description=_("note"))
    def masked_note(self, incident: Incident) -> str:
        return mask_text(incident.note)

    @admin.display(description=_("machine"))
    def masked_place(self, incident: Incident) -> str:
        return mask_text(incident.place)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyList):
    list_display = ["at", "actor_name", "action", "instance", "of_message", "address"]
    list_filter = ["at", "action", ("instance", VisibleInstances)]
    list_select_related = ["instance"]
    search_fields = ["actor_name__exact"]
    search_help_text = _("Enter a full user name.")
    ordering = ["-id"]
    fields = ["at", "actor_name", "action", "instance", "of_message", "address", "in_words"]
    readonly_fields = ["of_message", "in_words"]

    @admin.display(description=_("message"))
    def of_message(self, event: AuditEvent) -> str:
        """The message may be deleted."""
        return _message_links(event.message_pk, event.message_pk) if event.message_pk else "–"

    @admin.display(description=_("details"))
    def in_words(self, event: AuditEvent) -> str:
        return details_in_words(event)
