import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.backup.move import MoveError, moved


class Command(BaseCommand):
    help = (
        "Copies the SQLite database to an empty PostgreSQL database and compares every row. If it "
        "is interrupted, run it again: it continues. The SQLite database is not changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            required=True,
            metavar="URL",
            help='postgres://USER:PASSWORD@HOST:5432/NAME; "-" reads it from standard input',
        )
        parser.add_argument(
            "--hold",
            action="store_true",
            help="at the end, keep SQLite locked until you press Enter: callbacks go to the "
            "offline buffer (spool) until you have restarted Statusboard",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        url = sys.stdin.readline().strip() if options["to"] == "-" else options["to"]
        try:
            with moved(url, self.stderr.write) as rows:
                self.stdout.write(f"Copied and compared {rows:,} rows.")
                if options["hold"]:
                    self.stdout.write(
                        "Set DATABASE_URL, restart the web server and the worker, press Enter."
                    )
                    self.stdout.flush()
                    sys.stdin.readline()
        except MoveError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again to continue.") from None
