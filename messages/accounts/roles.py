"""The three roles. Each has all permissions of the previous one."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS

SUPPORT = "Support"
SUPERVISOR = "Supervisor"
ADMIN = "Admin"

# See full phone numbers; otherwise they are masked.
SEE_PHONES = "whatsapp.see_phones"
# Show a masked number after giving a reason.
REVEAL_PHONE = "whatsapp.reveal_phone"
# Share saved views with everyone, and edit the shared views of others.
SHARE_VIEWS = "whatsapp.share_savedview"
# Label messages, by CSV or with an API key that has this scope.
LABEL = "whatsapp.change_label"

_SUPPORT = {
    "whatsapp.view_message",
    "whatsapp.view_statusevent",
    "whatsapp.view_incident",
    SEE_PHONES,
}
_SUPERVISOR = _SUPPORT | {
    "whatsapp.view_instance",
    "whatsapp.change_incident",
    "whatsapp.view_workerbeat",
    "whatsapp.export_message",
    REVEAL_PHONE,
    SHARE_VIEWS,
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
    """Return the permissions of the role, without SEE_PHONES if MASK_PHONES_FOR has the role."""
    is_masked = role.lower() in settings.MASK_PHONES_FOR
    return PERMISSIONS[role] - {SEE_PHONES} if is_masked else PERMISSIONS[role]


def roles_to_sync() -> list[str]:
    """Return the roles that do not match MASK_PHONES_FOR, because it changed since `migrate`."""
    seeing = Group.objects.filter(permissions__codename=SEE_PHONES.partition(".")[2])
    names = set(seeing.values_list("name", flat=True))
    known = Group.objects.filter(name__in=PERMISSIONS).values_list("name", flat=True)
    return [name for name in known if (name in names) != (SEE_PHONES in permissions_of(name))]


def sync_roles(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Create the groups and set their permissions, after every migration."""
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
