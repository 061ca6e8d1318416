"""Find all stored secrets through the models, so that no new one is forgotten."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from messages.models import Secret, SecretUnreadableError
from messages.models.fields import SecretField

# Secrets in allauth's JSON: those of authenticator apps and of recovery codes.
_OF_SECOND_FACTORS: Final = ("secret", "seed")


class Place(ABC):
    """A database column with secrets."""

    def __init__(self, model: type[models.Model], column: str) -> None:
        self.model = model
        self.column = column

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.column}"

    @abstractmethod
    def secrets(self, row: models.Model) -> Iterator[tuple[str, Secret]]:
        """Yield each secret of a row and its name. put() saves a secret under this name."""

    @abstractmethod
    def put(self, row: models.Model, name: str, secret: Secret) -> None: ...

    def batches(self, size: int) -> Iterator[list[models.Model]]:
        """Yield all rows in batches, each locked in its own transaction.

        If the command is stopped, finished batches are saved and skipped the next time.
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
    found: list[Place] = [
        FieldPlace(model, field.name)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, SecretField)
    ]
    return [*found, FactorPlace(Authenticator, "data")]


def unreadable(most: int) -> int:
    """Count the secrets that no key decrypts, in the newest `most` rows of each column."""
    return sum(
        not _is_readable(secret)
        for place in places()
        for row in place.model._default_manager.order_by("-pk")[:most]
        for _, secret in place.secrets(row)
    )


def _is_readable(secret: Secret) -> bool:
    try:
        secret.reveal()
    except SecretUnreadableError:
        return False
    return True
