import json
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils import timezone

from messages.monitoring.doctor import Level, Named, all_checks, run, worst_level


class Command(BaseCommand):
    help = (
        "Checks every part of this deployment: DNS, certificate, webhook, clock, database, "
        "migrations, disk, files, worker, secrets, settings, Z-API and e-mail. Says what to do. "
        "Exit status: 0 without problems (warnings are allowed), 1 with a problem, 2 if it could "
        "not run."
    )
    # It reports them itself.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--timeout",
            type=float,
            default=20,
            metavar="SECONDS",
            help="time limit of each check (default: 20); the checks run side by side",
        )
        parser.add_argument(
            "--ca-file",
            default="",
            metavar="FILE",
            help="trust only the certificates in this file for PUBLIC_BASE_URL",
        )
        parser.add_argument(
            "--send-mail", default="", metavar="ADDRESS", help="send a test e-mail to this address"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _validate(options)
        began = timezone.now()
        found = run(all_checks(options["ca_file"], options["send_mail"]), options["timeout"])
        levels = [one.level for one in found]
        worst = worst_level(levels)
        if options["json"]:
            checks = [{"check": one.name, "level": one.level, "text": one.text} for one in found]
            report = {"level": worst, "checked_at": began.isoformat(), "checks": checks}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            for one in found:
                self.stdout.write(self._line(one))
            problems, warnings = levels.count(Level.PROBLEM), levels.count(Level.WARNING)
            self.stdout.write(f"Problems: {problems}. Warnings: {warnings}.")
        if worst is Level.PROBLEM:
            sys.exit(1)

    def _line(self, one: Named) -> str:
        styles = {
            Level.OK: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.PROBLEM: self.style.ERROR,
        }
        shown = one.level.upper()
        return f"{styles[one.level](f'{shown:<8}')} {one.name}: {one.text}"


def _validate(options: dict[str, Any]) -> None:
    if not 0 < options["timeout"] <= 600:
        raise CommandError("--timeout must be between 0 and 600 seconds.", returncode=2)
    if options["ca_file"] and not Path(options["ca_file"]).is_file():
        raise CommandError("The file of --ca-file does not exist.", returncode=2)
    if options["send_mail"]:
        try:
            validate_email(options["send_mail"])
        except ValidationError:
            raise CommandError("--send-mail needs an e-mail address.", returncode=2) from None
