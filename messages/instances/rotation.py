"""Replace the secret in the webhook URL, and disable the old one when Z-API uses the new one."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.accounts.audit import audit
from messages.models import Action, Instance
from messages.models.due import lies_ahead
from messages.zapi.client import Me

from .push import queue_push
from .sync import FAILURES, client_of, webhooks_of
from .webhook_urls import key_of

# Both secrets work for at least this long: callbacks have arrived 37 minutes late.
OVERLAP = timedelta(hours=1)


class NotRetiredError(Exception):
    """The old secret is still needed. The text is shown to people."""


@transaction.atomic
def rotate_key(instance: Instance) -> None:
    """Create a new secret and queue the push of its URL. The old secret keeps working."""
    Instance.objects.filter(pk=instance.pk).update(
        key_version=F("key_version") + 1, key_rotated_at=timezone.now()
    )
    instance.refresh_from_db(fields=["key_version", "key_rotated_at"])
    queue_push(one for one in webhooks_of(instance).values() if one.is_wanted)


def retire_old_keys(instance: Instance, *, at_once: bool = False) -> None:
    """Accept only the newest secret. Raises NotRetiredError if callbacks would be lost.

    `at_once` (for use after a leak) does not wait for the overlap to end, but still checks which
    URL Z-API calls.
    """
    if not has_old_keys(instance):
        return
    if not at_once and not _overlap_is_over(instance):
        raise NotRetiredError(
            _("Callbacks may still arrive at the old URL. Wait an hour before disabling it.")
        )
    try:
        me = client_of(instance).me()
    except FAILURES as error:
        raise NotRetiredError(
            _("Statusboard could not check whether Z-API still calls the old URL. %s") % error
        ) from None
    if _calls_old_key(instance, me):
        raise NotRetiredError(
            _("Z-API still calls the old URL. Push the new URL before you disable the old one.")
        )
    _retire(instance)


def retire_after_overlap(instance: Instance, me: Me) -> None:
    """Disable the old secret after the overlap. Runs at each check by the worker."""
    if not has_old_keys(instance):
        return
    if instance.key_rotated_at and lies_ahead(instance.key_rotated_at, timezone.now()):
        # The clock was wrong. Callbacks may arrive at the old URL for another hour.
        instance.key_rotated_at = timezone.now()
        instance.save(update_fields=["key_rotated_at"])
    if _overlap_is_over(instance) and not _calls_old_key(instance, me):
        _retire(instance)
        audit(None, Action.KEY_RETIRED, about=instance)


def has_old_keys(instance: Instance) -> bool:
    return instance.oldest_key_version < instance.key_version


def _overlap_is_over(instance: Instance) -> bool:
    rotated_at = instance.key_rotated_at
    return rotated_at is None or rotated_at + OVERLAP <= timezone.now()


def _calls_old_key(instance: Instance, me: Me) -> bool:
    """Whether Z-API still calls an old URL for any webhook, also one we do not use."""
    keys = map(key_of, filter(None, me.webhook_urls.values()))
    return any(key and key.version < instance.key_version for key in keys)


def _retire(instance: Instance) -> None:
    # Not F("key_version"): if the key is rotated at the same moment, the previous key must stay
    # accepted.
    instance.oldest_key_version = instance.key_version
    instance.save(update_fields=["oldest_key_version"])
