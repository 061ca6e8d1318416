"""Who may do what: three roles, each with all that the one before it may."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS

SUPPORT = "Support"
SUPERVISOR = "Supervisor"
ADMIN = "Admin"

# Whole phone numbers; without it they are masked.
SEE_PHONES = "whatsapp.see_phones"
# The sender's words for messages; people bring them as CSV, software with a key of that scope.
LABEL = "whatsapp.change_label"

_SUPPORT = {"whatsapp.view_message", "whatsapp.view_statusevent", SEE_PHONES}
_SUPERVISOR = _SUPPORT | {
    "whatsapp.view_instance",
    "whatsapp.view_incident",
    "whatsapp.change_incident",
    "whatsapp.view_workerbeat",
    "whatsapp.export_message",
    "whatsapp.reveal_phone",
    LABEL,
}
_ADMIN = _SUPERVISOR | {
    "whatsapp.view_account",
    "whatsapp.view_callback",
    "whatsapp.change_callback",
    "whatsapp.add_instance",
    "whatsapp.change_instance",
    "whatsapp.view_auditevent",
    "whatsapp.add_erasure",
    "whatsapp.change_retention",
    "whatsapp.view_channel",
    "whatsapp.add_channel",
    "whatsapp.change_channel",
    "whatsapp.delete_channel",
    "whatsapp.view_apikey",
    "whatsapp.add_apikey",
    "whatsapp.change_apikey",
    "auth.view_user",
    "auth.add_user",
    "auth.change_user",
    "auth.view_group",
}
PERMISSIONS = {SUPPORT: _SUPPORT, SUPERVISOR: _SUPERVISOR, ADMIN: _ADMIN}


def sync_roles(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """After every migration: the groups exist and hold exactly what the table above says."""
    if using != DEFAULT_DB_ALIAS:
        return
    for role, names in PERMISSIONS.items():
        group, _created = Group.objects.get_or_create(name=role)
        wanted = [
            permission
            for permission in Permission.objects.select_related("content_type")
            if f"{permission.content_type.app_label}.{permission.codename}" in names
        ]
        group.permissions.set(wanted)
