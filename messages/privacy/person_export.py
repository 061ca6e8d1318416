"""Exports a person's data as a ZIP of JSON files."""

import json
import zipfile
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.db.models import Model
from django.utils import timezone

from messages.accounts.audit import audit
from messages.models import Action, Secret
from statusboard.redaction import redact

from .person import Person
from .tables import TABLES


def export(person: Person, to: IO[bytes], *, by: Any) -> dict[str, int]:
    """Write one file per table with data; return the number of rows per table.

    Raises SpoolUnavailableError.
    """
    counts: dict[str, int] = {}
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, table in TABLES.items():
            found = (row for rows, _last in table.slices(person) for row in rows)
            rows = [_described(row) for row in found]
            if rows:
                counts[name] = len(rows)
                archive.writestr(f"{name.replace(' ', '-')}.json", _json(rows))
        about = {"person": person.names, "exported_at": timezone.now(), "rows": counts}
        archive.writestr("about.json", _json(about))
    audit(by, Action.PERSON_EXPORTED, recipient=person.names[0], details=counts)
    return counts


def _described(row: Model) -> dict[str, Any]:
    """Return every column of the row except our keys.

    Ids are included, so that events can be matched to messages.
    """
    described = {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: _plain(value) for name, value in described.items() if not _is_ours(name)}


def _is_ours(name: str) -> bool:
    """Whether the column is about Statusboard's keys and tokens, which are not personal data."""
    return name in {"token_digest", "token_check", "key_version"}


def _plain(value: Any) -> Any:
    match value:
        case bytes() | memoryview():
            return redact(bytes(value).decode("utf-8", "replace"))
        case datetime():
            return value.isoformat()
        case UUID() | Secret():
            return str(value)
        case _:
            return value


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
