"""The one way in. Nothing here or elsewhere changes an audit event."""

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

# Details that name a person, a thing or a kind of thing on this board. All others may be what
# somebody typed, such as a reason.
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
    """`by` is a request wherever there is one, None for what the board did by itself.

    `recipient` is a phone or LID as it is, of which only a keyed hash is kept. `details` holds no
    phone and no secret: counts, names, reasons. A number that somebody typed into one is hidden all
    the same, because an event is never changed; names are kept as they are, under `_NAMES`.
    """
    request = by if isinstance(by, HttpRequest) else None
    person: Any = getattr(by, "user", None) if request else by
    user = person if isinstance(person, User) else None
    message = about if isinstance(about, Message) else None
    instance_id = message.instance_id if message else about.pk if about else None
    return AuditEvent.objects.create(
        actor=user,
        # A key has a name too, though it is nobody's account.
        actor_name=person.get_username() if person else "",
        action=action,
        instance_id=instance_id,
        message_pk=message.pk if message else None,
        recipient=recipient_hash(recipient) if recipient else "",
        address=str(client_ip(request.META) or "") if request else "",
        details=_without_numbers(dict(details or {})),
    )


def _without_numbers(value: Any) -> Any:
    """Of text alone: what counts stays a number, and who or what is named stays whole."""
    match value:
        case str():
            return addresses.without_numbers(value)
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
    """Keyed, because the few billion numbers there are could all be tried against a plain hash."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, b"audit recipient:" + address.encode(), hashlib.sha256).hexdigest()
