"""Text that is encrypted in the database and cannot be shown by accident."""

import hashlib
from typing import TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy

from messages.domain.problems import Problem, ProblemError

if TYPE_CHECKING:
    _TextField = models.TextField["Secret | str", "Secret"]
else:
    _TextField = models.TextField

_DOTS: Final = "••••"
# Marks an encrypted text in the output of `dumpdata`.
_SEALED: Final = "sealed:"


class SecretUnreadableError(ProblemError):
    """None of FIELD_ENCRYPTION_KEYS decrypts this secret: its key was removed."""

    def __init__(self) -> None:
        super().__init__(Problem.SECRET_UNREADABLE)


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


def token_digest(token: str) -> str:
    """A hash to compare a token with.

    Plain SHA-256: Z-API's tokens are too long and random to guess. With a keyed hash, a key
    rotation would make all stored hashes wrong, and enforcing instances would refuse every
    callback.
    """
    return hashlib.sha256(token.encode()).hexdigest()


class Secret:
    """An encrypted text. It prints as "•••• 4f2a"; only reveal() returns the plain text."""

    __slots__ = ("_sealed",)

    def __init__(self, sealed: str) -> None:
        self._sealed = sealed

    @classmethod
    def of(cls, plain: str) -> "Secret":
        return cls(_fernet().encrypt(plain.encode()).decode() if plain else "")

    @property
    def sealed(self) -> str:
        """The encrypted text, as stored."""
        return self._sealed

    def reveal(self) -> str:
        """Raises SecretUnreadableError if no key decrypts it."""
        if not self._sealed:
            return ""
        try:
            return _fernet().decrypt(self._sealed.encode()).decode()
        except InvalidToken:
            raise SecretUnreadableError from None

    @property
    def is_current(self) -> bool:
        """Whether it is encrypted with the newest key, so that older keys can be removed."""
        try:
            Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(self._sealed.encode())
        except InvalidToken:
            return not self._sealed
        return True

    def renewed(self) -> "Secret":
        """The same text, encrypted with the newest key. Raises SecretUnreadableError."""
        return Secret.of(self.reveal())

    def __bool__(self) -> bool:
        return bool(self._sealed)

    def __str__(self) -> str:
        if not self._sealed:
            return ""
        try:
            plain = self.reveal()
        except SecretUnreadableError:
            return f"{_DOTS} ?"
        # Four characters would be most of a short secret.
        return f"{_DOTS} {plain[-4:]}" if len(plain) >= 12 else _DOTS

    __repr__ = __str__


def _secret_of(value: "Secret | str | None") -> Secret:
    return value if isinstance(value, Secret) else Secret.of(value or "")


class SecretField(_TextField):
    """Accepts plain text or a Secret, returns a Secret, and stores it encrypted.

    `dumpdata` writes the encrypted text and `loaddata` reads it; both need the same
    FIELD_ENCRYPTION_KEYS. No form accepts encrypted text: otherwise somebody with a dump could have
    it decrypted.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {"blank": True, "default": "", "editable": False}
        super().__init__(*args, **defaults | kwargs)

    def from_db_value(self, value: str | None, *_: Any) -> Secret:
        return Secret(value or "")

    def value_to_string(self, obj: models.Model) -> str:
        sealed = _secret_of(self.value_from_object(obj)).sealed
        return f"{_SEALED}{sealed}" if sealed else ""

    def to_python(self, value: Any) -> Any:
        """A value from a file for `loaddata`."""
        if isinstance(value, str) and value.startswith(_SEALED):
            return Secret(value.removeprefix(_SEALED))
        if isinstance(value, str) and value.startswith(_DOTS):
            raise ValidationError("This is how a secret is shown, not the secret.")
        return _secret_of(value)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        return super().clean(_secret_of(value), model_instance)

    def get_prep_value(self, value: Any) -> str:
        return _secret_of(value).sealed

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        secret = _secret_of(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, secret)
        return secret


class ProblemFields(models.Model):
    """The last problem as a Problem and its values, or '' and null. Its text is for each reader."""

    PROBLEM: Final = ("problem", "problem_values")

    problem = models.TextField(gettext_lazy("problem"), blank=True, editable=False)
    problem_values = models.JSONField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def problem_text(self) -> str:
        """The problem in the active language, or ''."""
        return Problem.text(self.problem, self.problem_values)

    @property
    def problem_as_values(self) -> dict[str, Any]:
        """For the values of an incident."""
        return {name: value for name in self.PROBLEM if (value := getattr(self, name))}

    def set_problem(self, problem: Problem | None = None) -> None:
        self.problem, self.problem_values = problem or "", None
