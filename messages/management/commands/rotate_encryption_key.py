"""Every stored secret sealed anew with the first of FIELD_ENCRYPTION_KEYS."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models, transaction

from messages.audit import Action, audit
from messages.models import Secret, SecretUnreadableError
from messages.models.fields import SecretField

CURRENT, OLDER, UNREADABLE = "current", "older", "unreadable"

# allauth keeps these inside JSON: what makes codes, and what makes recovery codes.
_OF_SECOND_FACTORS: Final = ("secret", "seed")


class Place(ABC):
    """One column of one table in which secrets lie."""

    def __init__(self, model: type[models.Model], column: str) -> None:
        self.model = model
        self.column = column

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.column}"

    @abstractmethod
    def secrets(self, row: models.Model) -> Iterator[tuple[str, Secret]]:
        """By the name that `put` takes."""

    @abstractmethod
    def put(self, row: models.Model, name: str, secret: Secret) -> None: ...

    def batches(self, size: int) -> Iterator[list[models.Model]]:
        """All rows in the order of their keys, each batch locked in a transaction of its own.

        What was sealed anew is kept when it is stopped half-way, and passed over the next time.
        """
        rows = self.model._default_manager.order_by("pk")
        after: Any = None
        while True:
            with transaction.atomic():
                later = rows if after is None else rows.filter(pk__gt=after)
                batch = list(later.select_for_update()[:size])
                yield batch
            if len(batch) < size:
                return
            after = batch[-1].pk


class FieldPlace(Place):
    def secrets(self, row: models.Model) -> Iterator[tuple[str, Secret]]:
        yield self.column, getattr(row, self.column)

    def put(self, row: models.Model, name: str, secret: Secret) -> None:
        setattr(row, name, secret)


class FactorPlace(Place):
    def secrets(self, row: models.Model) -> Iterator[tuple[str, Secret]]:
        data: dict[str, Any] = getattr(row, self.column)
        yield from ((name, Secret(data[name])) for name in _OF_SECOND_FACTORS if name in data)

    def put(self, row: models.Model, name: str, secret: Secret) -> None:
        getattr(row, self.column)[name] = secret.sealed


def places() -> list[Place]:
    """Found through the models, so that a new one is not forgotten."""
    found: list[Place] = [
        FieldPlace(model, field.name)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, SecretField)
    ]
    return [*found, FactorPlace(Authenticator, "data")]


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
        if dry:
            if totals[OLDER] or totals[UNREADABLE]:
                raise CommandError("Keep the older keys, and run this without --check.")
            self.stdout.write("The first key opens everything: the others can be removed.")
            return
        if totals[OLDER]:
            audit(None, Action.ENCRYPTION_ROTATED, details=dict(totals))
        self.stdout.write(f"Sealed anew: {totals[OLDER]}.")
        if totals[UNREADABLE]:
            raise CommandError(
                f"{totals[UNREADABLE]} secrets cannot be read with any key: put back the key that "
                "they were saved with, or enter them again."
            )
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
