from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User

from messages.accounts.audit import audit
from messages.accounts.people import describe_access
from messages.models import Action


class Command(createsuperuser.Command):
    """Django's command, which also writes the audit log."""

    def handle(self, *args: Any, **options: Any) -> None:
        newest = User.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        super().handle(*args, **options)
        for user in User.objects.filter(pk__gt=newest, is_superuser=True):
            audit(None, Action.USER_CHANGED, details={"added": True} | describe_access(user))
