"""A new secret in the webhook's URL: pushed first, the old one retired once nobody uses it."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.accounts.audit import audit
from messages.models import Action, Instance
from messages.models.due import lies_ahead
from messages.zapi.client import Me, ZapiError

from .push import ask_for_push
from .sync import FAILURES, client_of, webhooks_of
from .webhook_urls import key_of

# Both secrets are good for at least this long: callbacks were seen to arrive 37 minutes late.
OVERLAP = timedelta(hours=1)


class NotRetiredError(Exception):
    """The old secret must stay good for now. Its text is for a person."""


@transaction.atomic
def rotate_key(instance: Instance) -> None:
    """Give the webhook's URL a new secret, and have the worker push it. The old one stays good."""
    Instance.objects.filter(pk=instance.pk).update(
        key_version=F("key_version") + 1, key_rotated_at=timezone.now()
    )
    instance.refresh_from_db(fields=["key_version", "key_rotated_at"])
    ask_for_push(one for one in webhooks_of(instance).values() if one.is_wanted)


def retire_old_keys(instance: Instance, *, at_once: bool = False) -> None:
    """Let nothing but the newest secret in. Raises NotRetiredError where that would lose callbacks.

    `at_once` gives up the overlap, where a secret has leaked; what Z-API still calls is asked all
    the same.
    """
    if not has_old_keys(instance):
        return
    if not at_once and not _is_over(instance):
        raise NotRetiredError(
            _("Callbacks may still arrive at the old URL. Wait an hour before disabling it.")
        )
    try:
        me = client_of(instance).me()
    except FAILURES as error:
        reason = error.words if isinstance(error, ZapiError) else error
        raise NotRetiredError(
            _("Could not ask Z-API whether it still calls the old URL. %s") % reason
        ) from None
    if _calls_old_key(instance, me):
        raise NotRetiredError(
            _("Z-API still calls the old URL, so callbacks would be refused. Push first.")
        )
    _retire(instance)


def retire_when_over(instance: Instance, me: Me) -> None:
    """What the worker does at a verification, so that nobody has to remember it."""
    if not has_old_keys(instance):
        return
    if instance.key_rotated_at and lies_ahead(instance.key_rotated_at, timezone.now()):
        # By a wrong clock: callbacks to the old URL may still be on their way for an hour from now.
        instance.key_rotated_at = timezone.now()
        instance.save(update_fields=["key_rotated_at"])
    if _is_over(instance) and not _calls_old_key(instance, me):
        _retire(instance)
        audit(None, Action.KEY_RETIRED, about=instance)


def has_old_keys(instance: Instance) -> bool:
    return instance.oldest_key_version < instance.key_version


def _is_over(instance: Instance) -> bool:
    rotated_at = instance.key_rotated_at
    return rotated_at is None or rotated_at + OVERLAP <= timezone.now()


def _calls_old_key(instance: Instance, me: Me) -> bool:
    """Of all the hooks, also those that this board has no webhook for."""
    keys = map(key_of, filter(None, me.webhook_urls.values()))
    return any(key and key.version < instance.key_version for key in keys)


def _retire(instance: Instance) -> None:
    # Not to F("key_version"): a rotation of this very moment keeps its overlap.
    instance.oldest_key_version = instance.key_version
    instance.save(update_fields=["oldest_key_version"])
