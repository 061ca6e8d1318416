"""Encrypt every stored secret again with the first of FIELD_ENCRYPTION_KEYS."""

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
        "Encrypts every stored secret again with the first of FIELD_ENCRYPTION_KEYS, so that the "
        "other keys can be removed. You can stop it at any time and run it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; fail if an older key is still needed",
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
            raise CommandError("Stopped. Progress is saved; run it again to continue.") from None
        self._report(totals, dry=options["check"])

    def _rotate(self, place: Place, size: int, *, dry: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        for number, batch in enumerate(place.batches(size)):
            if number:
                # On standard error: a program may read the result.
                self.stderr.write(f"{place}: {number * size} …")
            for row in batch:
                states = [
                    _encrypt_again(place, row, name, secret) for name, secret in place.secrets(row)
                ]
                counts.update(filter(None, states))
                if OLDER in states and not dry:
                    row.save(update_fields=[place.column])
        return counts

    def _report(self, totals: Counter[str], *, dry: bool) -> None:
        if totals[OLDER] and not dry:
            audit(None, Action.ENCRYPTION_ROTATED, details=dict(totals))
        if not dry:
            self.stdout.write(f"Encrypted again: {totals[OLDER]}.")
        advice = []
        if totals[OLDER] and dry:
            advice.append("Keep the older keys and run this command without --check.")
        if totals[UNREADABLE]:
            advice.append(
                f"{totals[UNREADABLE]} secrets cannot be decrypted. Add the key that they were "
                "saved with, or enter them again."
            )
        if advice:
            raise CommandError(" ".join(advice))
        self.stdout.write("The first key decrypts everything. You can remove the others.")


def _encrypt_again(place: Place, row: models.Model, name: str, secret: Secret) -> str | None:
    """Re-encrypt an older secret. Return its previous state, or None for an empty one."""
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
