"""Create a row in every table, with a given text in every text field.

Rows are built from the model fields, so new tables and columns are covered too.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Field, ForeignKey, Model, fields
from django.utils import timezone

from messages.models import Account, Instance
from messages.models.fields import SecretField

# The same primary key everywhere, so every URL with this key finds a row.
PK: Final = 7777
ROW_ID: Final = UUID(int=PK)
SECRET: Final = "a-secret-that-nothing-shows"

# The spool is a separate database, and no page shows its rows.
NOT_SHOWN: Final = {"spooledcallback"}
# Values that cannot be derived from the field type. The value None omits the field.
VALUES: Final[dict[str, Any]] = {
    "userlimit.account": None,
    "apikeylimit.account": None,
    "message.rank": 20,
    "instance.token_digest": "",
    "apikey.hash": "",
    # The address is stored as a secret because a Slack URL is one. An e-mail address is shown.
    "channel.address": "operator@example.com",
}


def fill_every_table(text: str, user: User, board_wide: str | None = None) -> dict[str, Model]:
    """The rows, by the names of their models.

    `board_wide` is the text for rows that belong to no instance.
    """
    rows: dict[str, Model] = {"user": user}
    for model in apps.get_app_config("whatsapp").get_models():
        if model._meta.model_name not in NOT_SHOWN:
            words = text if board_wide is None or is_of_an_instance(model) else board_wide
            _row(model, words, rows)
    return rows


def is_of_an_instance(model: type[Model]) -> bool:
    """Whether the model's rows belong to an instance or an account."""
    targets = [field.related_model for field in model._meta.local_fields if field.is_relation]
    return model in {Account, Instance} or any(
        target and target is not User and is_of_an_instance(target) for target in targets
    )


def _row(model: type[Model], text: str, rows: dict[str, Model]) -> Model:
    name = str(model._meta.model_name)
    if name not in rows:
        values = {}
        for field in model._meta.local_fields:
            value = _value(name, field, text, rows)
            if value is not None:
                values[field.name] = value
        row = model(**values)
        row.save(force_insert=True)
        rows[name] = row
    return rows[name]


def _value(model: str, field: "Field[Any, Any]", text: str, rows: dict[str, Model]) -> Any:
    """Return the value for a field, or None to keep its default."""
    name = f"{model}.{field.name}"
    if name in VALUES:
        return VALUES[name]
    if name == "auditevent.details":
        return {"words": text}
    if isinstance(field, ForeignKey):
        return _row(field.remote_field.model, text, rows)
    if field.choices:
        return None if field.has_default() or field.blank else field.choices[0][0]
    return next((make(field, text) for kind, make in BY_TYPE if isinstance(field, kind)), None)


def _moment(field: "Field[Any, Any]", _text: str) -> datetime | None:
    """The current hour, or None for optional fields.

    These mark rows as archived, resolved or revoked.
    """
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    return None if field.null or field.has_default() else hour


def _number(field: "Field[Any, Any]", _text: str) -> int | None:
    return None if field.null or field.has_default() else 0


# The first matching entry is used, so subclasses of IntegerField come first.
BY_TYPE: Final[tuple[tuple[Any, Callable[[Any, str], Any]], ...]] = (
    ((fields.AutoField, fields.BigAutoField), lambda *_: PK),
    (SecretField, lambda *_: SECRET),
    (fields.UUIDField, lambda field, _: ROW_ID if field.primary_key else None),
    ((fields.CharField, fields.TextField), lambda field, text: text[: field.max_length]),
    (fields.BinaryField, lambda _, text: json.dumps({"type": text, "phone": text}).encode()),
    (fields.DateTimeField, _moment),
    (fields.DateField, lambda *_: timezone.now().date()),
    ((fields.IntegerField, fields.FloatField, fields.BooleanField), _number),
)
