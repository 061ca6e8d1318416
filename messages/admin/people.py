"""Users. Changes are audited."""

from typing import Any

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from allauth.usersessions.admin import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from messages.accounts.audit import audit
from messages.accounts.people import apply_admin_change, describe_access
from messages.models import Action

from .base import RequestValidationMixin

# allauth's models hold secrets, and their owners have pages for them. Groups are defined in code
# (messages.accounts.roles). allauth's e-mail addresses are not used.
admin.site.unregister([Authenticator, UserSession, EmailAddress, User, Group])


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
