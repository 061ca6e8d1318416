"""Archive an instance: its messages stay, and its callbacks are refused."""

from django.db import transaction
from django.utils import timezone

from messages.models import Incident, Instance

from .foreign_webhooks import restore, restore_others
from .sync import webhooks_of


def has_previous(instance: Instance) -> bool:
    """Whether other systems used these webhooks before.

    They receive nothing until their URLs are restored.
    """
    previous = (one.previous_url for one in webhooks_of(instance).values())
    return any((*instance.taken_urls.values(), *previous))


def restore_previous(instance: Instance) -> None:
    """Restore every URL that ours replaced.

    Raises ActionRefusedError. URLs restored before the error stay restored.
    """
    for webhook in webhooks_of(instance).values():
        if webhook.previous_url:
            restore(webhook)
    restore_others(instance)


@transaction.atomic
def archive(instance: Instance) -> None:
    """Archive the instance and close its incidents without notifying anybody."""
    instance.archived_at = timezone.now()
    instance.save(update_fields=["archived_at"])
    instance.webhooks.update(retry_at=None)
    Incident.objects.open().filter(instance=instance).update(resolved_at=instance.archived_at)


def unarchive(instance: Instance) -> None:
    """Restore the instance and schedule a check. Pushes nothing: others may use its webhooks."""
    instance.archived_at = None
    instance.failed_checks, instance.next_check_at = 0, timezone.now()
    instance.save(update_fields=["archived_at", "failed_checks", "next_check_at"])
