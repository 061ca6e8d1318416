"""z-api-token: count or refuse callbacks with a wrong or missing token."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import DatabaseError
from django.db.models import Count, F, Q
from django.utils import timezone

from messages.models import Callback, Instance, TokenCheck, TokenPolicy
from messages.models.due import is_over

logger = logging.getLogger(__name__)

COUNTED_FOR: Final = timedelta(hours=24)
# At most this many recent callbacks are counted. That is enough to see whether enforcing would
# refuse any.
MAX_COUNTED: Final = 10_000
# All refusals are counted, but logged only once in this time per instance.
LOGGED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Mismatches:
    """Recent callbacks with a wrong token, or without one."""

    differing: int
    missing: int

    def __bool__(self) -> bool:
        return bool(self.differing or self.missing)


def mismatches_of(instance: Instance) -> Mismatches:
    since = timezone.now() - COUNTED_FOR
    recent = Callback.objects.filter(instance=instance, received_at__gte=since)
    newest = recent.order_by("-received_at").values("token_check")[:MAX_COUNTED]
    counts = newest.aggregate(
        differing=Count("token_check", filter=Q(token_check=TokenCheck.DIFFERS)),
        missing=Count("token_check", filter=Q(token_check=TokenCheck.MISSING)),
    )
    return Mismatches(**counts)


def set_policy(instance: Instance, policy: TokenPolicy) -> None:
    """Set the policy and reset the count of refusals."""
    instance.token_policy = policy
    instance.tokens_refused, instance.token_refused_at = 0, None
    instance.save(update_fields=["token_policy", "tokens_refused", "token_refused_at"])


def count_wrong_token(zapi_id: str, key_version: int, digest: str) -> None:
    """Count and log a callback with a valid URL that was refused because of its token."""
    refused = (
        Instance.objects.active()
        .filter(zapi_id=zapi_id, token_policy=TokenPolicy.ENFORCE)
        .filter(oldest_key_version__lte=key_version, key_version__gte=key_version)
        .exclude(token_digest__in=["", digest])
    )
    now = timezone.now()
    quiet = Q(token_refused_at=None) | is_over("token_refused_at", now, LOGGED_EVERY)
    with suppress(DatabaseError):  # the callback is refused anyway
        if refused.update(tokens_refused=F("tokens_refused") + 1) and refused.filter(quiet).update(
            token_refused_at=now
        ):
            logger.warning(
                "Callbacks of instance %s are refused: wrong or missing z-api-token.", zapi_id
            )
