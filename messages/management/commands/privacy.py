"""Finds, exports or erases one person's data, for when the page would take too long."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.accounts.audit import audit
from messages.ingest import SpoolUnavailableError
from messages.models import Action
from messages.privacy import (
    HeldError,
    Person,
    UnclearPersonError,
    continue_erasures,
    find,
    find_person,
    request_erasure,
)
from messages.privacy import export as export_person


class Command(BaseCommand):
    help = (
        "Finds, exports or erases everything stored about one person. Give a full number with "
        "country code, with or without the ninth digit, or a LID. Linked numbers and LIDs are "
        "included."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        found = commands.add_parser("find", help="count the stored rows")
        exported = commands.add_parser("export", help="write all data to a ZIP file")
        erased = commands.add_parser("erase", help="erase the data and wait until it is done")
        for command in (found, exported, erased):
            command.add_argument("person", help="a full number with country code, or a LID")
            command.add_argument("--json", action="store_true", help="print JSON")
        exported.add_argument(
            "--output",
            type=Path,
            required=True,
            help="path of the ZIP file; an existing file is not overwritten",
        )
        erased.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *, command: str, person: str, **options: Any) -> None:
        try:
            who = find_person(person)
        except UnclearPersonError as error:
            raise CommandError(str(error)) from None
        counts = {"find": self._find, "export": self._export, "erase": self._erase}[command](
            who, options
        )
        self._say(who, counts, options)

    def _find(self, person: Person, options: dict[str, Any]) -> dict[str, int]:
        found = find(person)
        audit(None, Action.PERSON_FOUND, recipient=person.names[0])
        if found.spool_problem:
            self.stderr.write(f"The spool cannot be read and is not counted: {found.spool_problem}")
        return dict(found.counts)

    def _export(self, person: Person, options: dict[str, Any]) -> dict[str, int]:
        output: Path = options["output"]
        try:
            with output.open("xb") as file:
                return export_person(person, file, by=None)
        except SpoolUnavailableError as error:
            output.unlink()
            raise CommandError(f"Cannot read the spool: {error}") from None
        except OSError as error:
            raise CommandError(f"Cannot write {output}: {error.strerror}.") from None

    def _erase(self, person: Person, options: dict[str, Any]) -> dict[str, int]:
        if not options["yes"]:
            self._ask(person)
        try:
            erasure = request_erasure(person, None)
        except HeldError as error:
            raise CommandError(str(error)) from None
        try:
            continue_erasures()
        except KeyboardInterrupt:
            raise CommandError("Stopped. A worker continues, or run this command again.") from None
        erasure.refresh_from_db()
        if not erasure.finished_at:
            raise CommandError(
                "Erasing did not finish; see the log for the reason. A worker continues, or run "
                "this command again."
            )
        erased: dict[str, int] = erasure.erased
        return erased

    def _ask(self, person: Person) -> None:
        self.stdout.write(f"This erases permanently all data of {', '.join(person.names)}.")
        if input("Type ERASE to continue: ") != "ERASE":
            raise CommandError("Nothing was erased.")

    def _say(self, person: Person, counts: dict[str, int], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"person": person.names, "rows": counts}))
            return
        self.stdout.write(", ".join(person.names))
        for name, number in counts.items():
            self.stdout.write(f"{number:>8}  {name}")
