import signal
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.backup.create import BackupError, back_up, delete_older
from messages.backup.secret_files import PassphraseError, read_passphrase


class Command(BaseCommand):
    help = (
        "Saves the database and this server's offline buffer (spool) to one file, while "
        "Statusboard is running. The file contains phone numbers and can be read only by its "
        "owner. Secrets are left out unless you give a passphrase."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", type=Path, required=True, help="a folder, or the file to write or replace"
        )
        parser.add_argument(
            "--keep", type=int, metavar="N", help="keep only the newest N backups in the folder"
        )
        parser.add_argument(
            "--secrets-passphrase-file",
            type=Path,
            metavar="FILE",
            help="also save the secrets, encrypted with the passphrase in this file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["to"]
        keep: int | None = options["keep"]
        if keep is not None and (keep < 1 or not target.is_dir()):
            raise CommandError("--keep needs a number from 1 and, with --to, an existing folder.")
        # So that the unfinished file is deleted when the command is stopped.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            passphrase = self._passphrase(options["secrets_passphrase_file"])
            saved = back_up(target, passphrase, self.stderr.write)
            older = delete_older(target, keep) if keep else []
        except (BackupError, PassphraseError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. No backup was written.") from None
        size = saved.path.stat().st_size / 2**20
        self.stdout.write(
            f"Saved {saved.path} ({size:,.1f} MiB): {saved.rows:,} rows, {saved.spooled:,} "
            f"callbacks in the spool, {'encrypted' if passphrase else 'no'} secrets."
        )
        for path in older:
            self.stdout.write(f"Deleted {path}")

    @staticmethod
    def _passphrase(path: Path | None) -> str:
        return read_passphrase(path) if path else ""
