from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.backup.restore import KeysDifferError, RestoreError, checked, restore


class Command(BaseCommand):
    help = (
        "Restores a file of `backup` into an empty database: checks it, loads it, migrates it, and "
        "stores the callbacks of its offline buffer (spool). Stop the web server and the worker "
        "first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="delete everything in the database first"
        )
        parser.add_argument(
            "--other-keys",
            action="store_true",
            help="restore even if the keys of the backup are lost: tokens must then be entered and "
            "webhook URLs pushed again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        replace, other_keys = options["replace"], options["other_keys"]
        try:
            with checked(options["file"], replace=replace, other_keys=other_keys) as archive:
                made_at, version = archive.manifest["made_at"], archive.manifest["version"]
                self.stderr.write(f"Checked: made at {made_at} by version {version}.")
                restored = restore(archive, self.stderr.write)
        except KeysDifferError as error:
            raise CommandError(
                f"{error} Set the keys of the backup first, or add --other-keys if they are lost."
            ) from error
        except (RestoreError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Restored {restored.rows:,} rows. Stored {restored.drained:,} callbacks of the spool, "
            f"{restored.refused:,} were rejected."
        )
        if restored.unreadable_secrets:
            self.stderr.write(
                f"WARNING: {restored.unreadable_secrets} secrets cannot be decrypted with "
                "FIELD_ENCRYPTION_KEYS. Add the key that they were saved with, or enter them again."
            )
