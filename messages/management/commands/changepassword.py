import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User

from messages.accounts.account_notices import PASSWORD_CHANGED, notify
from messages.accounts.audit import audit
from messages.models import Action


class Command(changepassword.Command):
    """Django's command, which also notifies the person and writes the audit log."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        result = super().handle(*args, **options)
        name = options["username"] or getpass.getuser()
        audit(None, Action.USER_CHANGED, details={"user": name, "password": "new"})
        notify(User.objects.get_by_natural_key(name), PASSWORD_CHANGED, None)
        return result
