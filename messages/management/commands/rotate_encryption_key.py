"""Every stored secret sealed anew with the first of FIELD_ENCRYPTION_KEYS."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models

from messages.accounts.audit import audit
from messages.accounts.stored_secrets import Place, places
from messages.models import Action, Secret, SecretUnreadableError

CURRENT, OLDER, UNREADABLE = "current", "older", "unreadable"


class Command(BaseCommand):
    help = (
        "Seals every stored secret anew with the first of FIELD_ENCRYPTION_KEYS, so that the "
        "others can be removed. It can be stopped at any moment and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail where an older key is needed"
        )
        parser.add_argument("--batch-size", type=int, default=500, help="rows at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        totals: Counter[str] = Counter()
        try:
            for place in places():
                counts = self._rotate(place, options["batch_size"], dry=options["check"])
                self.stdout.write(f"{place}: {_listed(counts)}")
                totals += counts
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was done is kept; run it again to go on.") from None
        self._conclude(totals, dry=options["check"])

    def _rotate(self, place: Place, size: int, *, dry: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        for number, batch in enumerate(place.batches(size)):
            if number:
                # Apart from the result, which may be read by a program.
                self.stderr.write(f"{place}: {number * size} …")
            for row in batch:
                states = [_renew(place, row, name, secret) for name, secret in place.secrets(row)]
                counts.update(filter(None, states))
                if OLDER in states and not dry:
                    row.save(update_fields=[place.column])
        return counts

    def _conclude(self, totals: Counter[str], *, dry: bool) -> None:
        if totals[OLDER] and not dry:
            audit(None, Action.ENCRYPTION_ROTATED, details=dict(totals))
        if not dry:
            self.stdout.write(f"Sealed anew: {totals[OLDER]}.")
        advice = []
        if totals[OLDER] and dry:
            advice.append("Keep the older keys, and run this without --check.")
        if totals[UNREADABLE]:
            advice.append(
                f"{totals[UNREADABLE]} secrets cannot be read with any key: put back the key that "
                "they were saved with, or enter them again."
            )
        if advice:
            raise CommandError(" ".join(advice))
        self.stdout.write("The first key opens everything: the others can be removed.")


def _renew(place: Place, row: models.Model, name: str, secret: Secret) -> str | None:
    """What state the secret was in; None where there is none."""
    if not secret:
        return None
    if secret.is_current:
        return CURRENT
    try:
        place.put(row, name, secret.renewed())
    except SecretUnreadableError:
        return UNREADABLE
    return OLDER


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {state}" for state, number in counts.items()) or "none"
