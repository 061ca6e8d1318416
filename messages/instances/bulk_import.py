"""Import instances from a file or a partner's list, with a preview of each row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from messages.domain.csv_reader import UnreadableFileError, rows_of
from messages.domain.problems import Problem
from messages.models import (
    Account,
    Batch,
    BatchKind,
    BatchRow,
    Instance,
    Plan,
    RowState,
    SecretUnreadableError,
)
from messages.zapi.client import PartnerClient
from statusboard.redaction import redact

from .credentials import (
    MAX_ID_LENGTH,
    MAX_NAME_LENGTH,
    Credentials,
    problem_of_name,
    read_credentials,
)
from .tags import read_tags

MAX_ROWS: Final = 5000
MAX_BYTES: Final = 2 * 1024 * 1024

# Accepted column names, in lower case and without punctuation.
_COLUMNS: Final = {
    "name": {"name", "nome", "instance", "instancia", "instância"},
    "zapi_id": {"id", "instanceid", "zapiid", "idinstancia", "iddainstância", "iddainstancia"},
    "token": {"token", "instancetoken", "tokendainstância", "tokendainstancia"},
    "client_token": {"clienttoken", "securitytoken", "tokendesegurança", "tokendeseguranca"},
    "tags": {"tags", "tag", "client", "cliente", "etiquetas"},
}
_NOT_A_LETTER = re.compile(r"[\W_]")


@dataclass(frozen=True, slots=True)
class ImportRow:
    """The values of one row. Blank values change nothing."""

    name: str = ""
    zapi_id: str = ""
    token: str = field(default="", repr=False)
    client_token: str = field(default="", repr=False)
    tags: tuple[str, ...] = ()
    # The row number in the spreadsheet; 0 if there is none.
    row: int = 0


def read_csv(content: bytes) -> list[ImportRow]:
    """Read a CSV file with commas, semicolons or tabs. Raises UnreadableFileError."""
    if len(content) > MAX_BYTES:
        raise UnreadableFileError(_("The file is larger than %d MiB.") % (MAX_BYTES // 2**20))
    lines = rows_of(content)
    _number, titles = next(lines, (1, []))
    columns = _columns_of(titles)
    import_rows: list[ImportRow] = []
    for number, cells in lines:
        values = {
            name: cells[place].strip() for name, place in columns.items() if place < len(cells)
        }
        if not any(values.values()):
            continue
        if len(import_rows) == MAX_ROWS:
            raise UnreadableFileError(_("The file has more than %d rows.") % MAX_ROWS)
        tags = tuple(read_tags(values.pop("tags", "")))
        import_rows.append(ImportRow(**values, tags=tags, row=number))
    return import_rows


def read_partner_list(partner_token: str) -> list[ImportRow]:
    """Read the instances of a partner from Z-API. Raises ZapiError."""
    return [
        ImportRow(name=one.name or one.zapi_id, zapi_id=one.zapi_id, token=one.token)
        for one in PartnerClient(partner_token).instances()
    ]


@transaction.atomic
def preview(
    import_rows: Sequence[ImportRow],
    *,
    visible: Iterable[Instance],
    by: User | None = None,
    account: Account | None = None,
) -> Batch:
    """Create a batch that shows what would happen to each row. `start()` runs it.

    `visible` are the instances that the person may change.
    """
    batch = Batch.objects.create(kind=BatchKind.IMPORT, account=account, by=by)
    changeable = {instance.zapi_id: instance for instance in visible}
    taken = dict(Instance.objects.values_list("zapi_id", "archived_at"))
    rows, seen = [], set[str]()
    for number, row in enumerate(import_rows, 1):
        read = read_credentials(row.zapi_id, row.token, row.client_token)
        known = changeable.get(read.zapi_id)
        wanted = replace(
            row,
            # A partner's list does not change the names that people gave.
            name="" if known and account else row.name,
            zapi_id=read.zapi_id,
            token=read.token,
            client_token=read.client_token,
        )
        problem = _problem(wanted, read, known, taken, seen)
        seen.add(wanted.zapi_id)
        rows.append(_row(batch, wanted.row or number, wanted, known, problem))
    BatchRow.objects.bulk_create(rows, batch_size=500)
    return batch


def _columns_of(header: Sequence[str]) -> dict[str, int]:
    """Find the columns. Raises UnreadableFileError if there is no instance id."""
    found: dict[str, int] = {}
    for place, title in enumerate(header):
        plain = _NOT_A_LETTER.sub("", title.lower())
        for name, titles in _COLUMNS.items():
            if plain in titles:
                found.setdefault(name, place)
    if "zapi_id" not in found:
        raise UnreadableFileError(
            _(
                "There is no column called “id”. The first row must name the columns: "
                "name, id, token, client_token, tags."
            )
        )
    return found


def _problem(
    wanted: ImportRow,
    read: Credentials,
    known: Instance | None,
    taken: Mapping[str, datetime | None],
    seen: set[str],
) -> Problem | None:
    """Return why a row cannot be imported."""
    if known is None and wanted.zapi_id in taken:
        return Problem.ID_ARCHIVED if taken[wanted.zapi_id] else Problem.ID_OF_OTHERS
    if not wanted.zapi_id:
        return Problem.ID_MISSING
    if wanted.zapi_id in seen:
        return Problem.ID_TWICE
    if known is None and not (wanted.name and wanted.token):
        return Problem.ROW_INCOMPLETE
    # The id of an existing instance is not checked.
    found = (one for name, one in read.problems.items() if not (known and name == "zapi_id"))
    return next(found, problem_of_name(wanted.name))


def _row(
    batch: Batch, number: int, wanted: ImportRow, known: Instance | None, problem: Problem | None
) -> BatchRow:
    changes = changes_of(wanted, known, batch.account) if known and not problem else {}
    plan = Plan.REFUSE if problem else _plan(known, changes)
    is_open = plan in (Plan.ADD, Plan.UPDATE)
    return BatchRow(
        batch=batch,
        number=number,
        instance=None if problem else known,
        plan=plan,
        state=RowState.WAITING if is_open else RowState.LEFT_OUT,
        problem=problem or "",
        # Cut and redacted, because refused rows are shown too.
        name=redact(wanted.name)[:MAX_NAME_LENGTH],
        zapi_id=redact(wanted.zapi_id)[:MAX_ID_LENGTH],
        token=wanted.token if is_open else "",
        client_token=wanted.client_token if is_open else "",
        tags=", ".join(wanted.tags)[:500],
        changes=changes,
    )


def _plan(known: Instance | None, changes: Mapping[str, Any]) -> Plan:
    if known is None:
        return Plan.ADD
    return Plan.UPDATE if changes else Plan.SKIP


def changes_of(wanted: ImportRow, known: Instance, account: Account | None) -> dict[str, Any]:
    """Return what would change, by field. A secret only shows that it changes."""
    there = {tag.name.lower() for tag in known.tags.all()}
    found: dict[str, Any] = {
        "name": [known.name, wanted.name] if wanted.name not in ("", known.name) else None,
        "token": _differs(wanted.token, known.token),
        "client_token": _differs(wanted.client_token, known.account.client_token),
        "tags": [tag for tag in wanted.tags if tag.lower() not in there],
        "account": account.name if account and moves(known, account) else None,
    }
    return {name: change for name, change in found.items() if change}


def describe_changes(changes: Mapping[str, Any]) -> str:
    """Describe the result of changes_of() in the current language."""
    words = []
    if names := changes.get("name"):
        words.append(_("name %(before)s → %(after)s") % {"before": names[0], "after": names[1]})
    if "token" in changes:
        words.append(_("token"))
    if "client_token" in changes:
        words.append(_("Client-Token"))
    words += [_("tags + %(tag)s") % {"tag": tag} for tag in changes.get("tags", ())]
    if account := changes.get("account"):
        words.append(_("account → %(account)s") % {"account": account})
    return ", ".join(words)


def moves(instance: Instance, account: Account) -> bool:
    """Whether the instance moves to this account.

    It stays if it has a Client-Token and this account has none.
    """
    is_safe = bool(account.client_token) or not instance.account.client_token
    return instance.account_id != account.pk and is_safe


def _differs(given: str, stored: object) -> bool:
    try:
        return bool(given) and given != stored.reveal()  # type: ignore[attr-defined]
    except SecretUnreadableError:
        return True
