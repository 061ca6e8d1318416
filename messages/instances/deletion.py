"""Delete an instance that was connected by mistake and has received nothing."""

from contextlib import suppress

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from messages.models import Account, ApiKeyLimit, Channel, HourlySummary, Instance, UserLimit


class NotDeletableError(Exception):
    """The instance is in use. The text is shown to people."""


def was_used(instance: Instance) -> bool:
    """Whether callbacks or messages of the instance are stored: they are evidence."""
    return (
        instance.callbacks.exists()
        or instance.message_set.exists()
        or instance.labels.exists()
        or instance.aliases.exists()
        or instance.webhooks.exclude(heard_at=None).exists()
        or HourlySummary.objects.filter(instance=instance).exists()
    )


@transaction.atomic
def delete(instance: Instance) -> None:
    """Delete the instance, and its account if that is empty then. Raises NotDeletableError."""
    # The lock keeps callbacks out meanwhile.
    instance = Instance.objects.select_for_update().get(pk=instance.pk)
    if was_used(instance):
        raise NotDeletableError(_("This instance has received callbacks. Archive it instead."))
    if names := ", ".join(_limited_to(instance)):
        words = _(
            "These people, API keys or channels are limited to this instance: %s. Without it they "
            "would have access to everything. Change their limits first."
        )
        raise NotDeletableError(words % names)
    account = instance.account
    instance.delete()
    _delete_if_empty(account)


def _limited_to(instance: Instance) -> list[str]:
    """Return the people, keys and channels that are limited to the instance."""
    people = UserLimit.objects.filter(instance=instance).select_related("user")
    keys = ApiKeyLimit.objects.filter(instance=instance).select_related("key")
    channels = Channel.objects.filter(instances=instance)
    return [
        *(limit.user.get_username() for limit in people),
        *(limit.key.name for limit in keys),
        *(channel.name for channel in channels if channel.instances.count() == 1),
    ]


def _delete_if_empty(account: Account) -> None:
    if not (account.partner_token or account.instances.exists()):
        with suppress(ProtectedError):  # a person or key is limited to it
            account.delete()
