from typing import Any

from django.core.management.base import BaseCommand, CommandError

from messages.management.migration_locks import problems


class Command(BaseCommand):
    help = "For developers: fails if a migration locks a large PostgreSQL table for long."

    def handle(self, *args: Any, **options: Any) -> None:
        if found := list(problems()):
            raise CommandError("\n".join(found))
