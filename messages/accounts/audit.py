"""Writes audit events. Nothing changes or deletes them."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from messages.domain import addresses
from messages.models import Action, AuditEvent, Instance, Message
from statusboard.client_ips import client_ip

# Details that name a person or thing in Statusboard. Other details may be typed text, such as a
# reason.
_NAMES: Final = {
    *("user", "by", "name", "begins", "role", "roles", "permissions"),
    *("account", "accounts", "instance", "instances", "channel", "kind"),
    *("field", "fields", "changed", "filters", "hour", "person"),
}


def audit(
    by: HttpRequest | User | None,
    action: Action,
    *,
    about: Instance | Message | None = None,
    recipient: str = "",
    details: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write an audit event. `by` is the request or the user; None means the system.

    Only a keyed hash of `recipient` (a phone or LID) is stored. `details` must not contain phones
    or secrets: only counts, names and reasons. Phone numbers in typed text are masked, because an
    event cannot be corrected later. The details in `_NAMES` are stored unmasked.
    """
    request = by if isinstance(by, HttpRequest) else None
    person: Any = getattr(by, "user", None) if request else by
    user = person if isinstance(person, User) else None
    message = about if isinstance(about, Message) else None
    instance_id = message.instance_id if message else about.pk if about else None
    return AuditEvent.objects.create(
        actor=user,
        # An API key has a name too, although it is no user.
        actor_name=person.get_username() if person else "",
        action=action,
        instance_id=instance_id,
        message_pk=message.pk if message else None,
        recipient=recipient_hash(recipient) if recipient else "",
        address=str(client_ip(request.META) or "") if request else "",
        details=_without_numbers(dict(details or {})),
    )


def _without_numbers(value: Any) -> Any:
    """Mask phone numbers in text. Integers, and the details in `_NAMES`, are not changed."""
    match value:
        case str():
            return addresses.mask_numbers(value)
        case Mapping():
            return {
                name: one if name in _NAMES else _without_numbers(one)
                for name, one in value.items()
            }
        case list() | tuple():
            return [_without_numbers(one) for one in value]
        case _:
            return value


def recipient_hash(address: str) -> str:
    """Keyed, because a plain hash could be reversed by trying all phone numbers."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, b"audit recipient:" + address.encode(), hashlib.sha256).hexdigest()
