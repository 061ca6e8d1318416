"""An instance that is no longer used: its messages stay, and nothing more comes in."""

from django.db import transaction
from django.utils import timezone

from messages.models import Incident, Instance

from .foreign_webhooks import restore, restore_others
from .sync import webhooks_of


def has_previous(instance: Instance) -> bool:
    """Whether others had its webhooks before, who hear nothing unless they get them back."""
    previous = (one.previous_url for one in webhooks_of(instance).values())
    return any((*instance.taken_urls.values(), *previous))


def give_back(instance: Instance) -> None:
    """Restore every URL that ours replaced.

    Raises ActionRefusedError. URLs restored before that stay restored.
    """
    for webhook in webhooks_of(instance).values():
        if webhook.previous_url:
            restore(webhook)
    restore_others(instance)


@transaction.atomic
def archive(instance: Instance) -> None:
    """Its incidents are over without an alarm: nobody needs to be told of what they decided."""
    instance.archived_at = timezone.now()
    instance.save(update_fields=["archived_at"])
    instance.webhooks.update(retry_at=None)
    Incident.objects.open().filter(instance=instance).update(resolved_at=instance.archived_at)


def unarchive(instance: Instance) -> None:
    """Verified at once. Nothing is pushed before somebody says so: others may have its hooks."""
    instance.archived_at = None
    instance.failed_checks, instance.next_check_at = 0, timezone.now()
    instance.save(update_fields=["archived_at", "failed_checks", "next_check_at"])
