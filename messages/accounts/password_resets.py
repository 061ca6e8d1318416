"""Reset forgotten passwords.

The page only stores the address. The worker finds the account and sends the link. So the answer and
its time do not show whether there is an account.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.models import User
from django.utils import timezone, translation

from messages.accounts.audit import audit
from messages.models import Action, PasswordResetRequest, SecretUnreadableError

from . import sign_in_limits

logger = logging.getLogger(__name__)

# Older requests are dropped: nobody waits for the link any more.
KEPT: Final = timedelta(hours=1)
# The maximum number of stored requests, so that strangers cannot fill the database.
MAX_WAITING: Final = 1000
_BATCH: Final = 50


def request_password_reset(address: str) -> None:
    """Store the request for the worker.

    The same SQL runs for every address, so the time does not show whether an account exists.
    """
    is_full = PasswordResetRequest.objects.count() >= MAX_WAITING
    if is_full:
        logger.error("Too many password reset requests are queued; one was dropped.")
        return
    PasswordResetRequest.objects.create(
        address=address, language=translation.get_language() or "en"
    )


def send_reset_links() -> int:
    """Send the requested links. Each batch is one transaction, so each link is queued once."""
    done = 0
    while True:
        with PasswordResetRequest.objects.order_by("pk").claim(_BATCH) as batch:
            done += sum(map(_send_to, batch))
            PasswordResetRequest.objects.filter(pk__in=[one.pk for one in batch]).delete()
        if not batch:
            return done


def _send_to(asked: PasswordResetRequest) -> int:
    if asked.created_at + KEPT < timezone.now():
        return 0
    try:
        address = asked.address.reveal()
    except SecretUnreadableError:
        return 0
    with translation.override(asked.language):
        receivers = [(user, own) for user, own in _accounts_of(address) if _may_send(user)]
        for user, own in receivers:
            _send(user, own)
    return len(receivers)


def _accounts_of(address: str) -> Iterator[tuple[User, str]]:
    """Yield each active account with this address, and the address as it is stored.

    The link is sent to the stored address. Databases compare in upper case, in which different
    letters can be equal. So compare again in lower case. Only the address that an admin entered
    counts, not allauth's table of addresses.
    """
    for user in User.objects.filter(is_active=True, email__iexact=address):
        if user.email.lower() == address.lower():
            yield user, user.email


def _may_send(user: User) -> bool:
    if not sign_in_limits.spend(sign_in_limits.counter("reset link", user.pk)):
        return True
    logger.warning("User %s has reached the limit of password links.", user.pk)
    return False


def _send(user: User, address: str) -> None:
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    adapter = get_adapter()
    context = {
        "user": user,
        "username": user.get_username(),
        "password_reset_url": adapter.get_reset_password_from_key_url(key),
    }
    adapter.send_password_reset_mail(user, address, context)
    audit(None, Action.USER_CHANGED, details={"user": user.get_username(), "password": "reset"})
