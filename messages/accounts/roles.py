"""Who may do what: three roles, each with all that the one before it may."""

from typing import Any

from django.conf import settings
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


def permissions_of(role: str) -> set[str]:
    """What the table says, without whole numbers where MASK_PHONES_FOR names the role."""
    is_masked = role.lower() in settings.MASK_PHONES_FOR
    return PERMISSIONS[role] - {SEE_PHONES} if is_masked else PERMISSIONS[role]


def roles_to_sync() -> list[str]:
    """Roles that see numbers against MASK_PHONES_FOR, or do not: it was set since `migrate`."""
    seeing = Group.objects.filter(permissions__codename=SEE_PHONES.partition(".")[2])
    names = set(seeing.values_list("name", flat=True))
    known = Group.objects.filter(name__in=PERMISSIONS).values_list("name", flat=True)
    return [name for name in known if (name in names) != (SEE_PHONES in permissions_of(name))]


def sync_roles(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """After every migration: the groups exist and hold exactly what `permissions_of` says."""
    if using != DEFAULT_DB_ALIAS:
        return
    for role in PERMISSIONS:
        names = permissions_of(role)
        group, _created = Group.objects.get_or_create(name=role)
        wanted = [
            permission
            for permission in Permission.objects.select_related("content_type")
            if f"{permission.content_type.app_label}.{permission.codename}" in names
        ]
        group.permissions.set(wanted)
