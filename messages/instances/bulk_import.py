"""Instances from a file or from a partner's list: first what would happen, row by row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from messages.domain.csv_reader import UnreadableFileError, rows_of
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
from .sync import source
from .tags import read_tags

MAX_ROWS: Final = 5000
MAX_BYTES: Final = 2 * 1024 * 1024

# What a column may be called, in lower case and without signs; the first is the one we write.
_COLUMNS: Final = {
    "name": {"name", "nome", "instance", "instancia", "instância"},
    "zapi_id": {"id", "instanceid", "zapiid", "idinstancia", "iddainstância", "iddainstancia"},
    "token": {"token", "instancetoken", "tokendainstância", "tokendainstancia"},
    "client_token": {"clienttoken", "securitytoken", "tokendesegurança", "tokendeseguranca"},
    "tags": {"tags", "tag", "client", "cliente", "etiquetas"},
}
_NOT_A_LETTER = re.compile(r"[\W_]")

_INCOMPLETE = gettext_noop("A new instance needs a name, an instance id and a token.")
_WITHOUT_ID = gettext_noop("The instance id is missing.")
_TWICE = gettext_noop("This instance id stands in an earlier row, too.")
_ELSEWHERE = gettext_noop("There is an instance with this id already, which you may not change.")
_ARCHIVED = gettext_noop("There is an archived instance with this id.")


@dataclass(frozen=True, slots=True)
class Wish:
    """One instance as it is to be; what is blank stays as it is."""

    name: str = ""
    zapi_id: str = ""
    token: str = field(default="", repr=False)
    client_token: str = field(default="", repr=False)
    tags: tuple[str, ...] = ()
    # The number that the spreadsheet shows; 0 for none.
    row: int = 0


def read_csv(content: bytes) -> list[Wish]:
    """Commas, semicolons or tabs, as spreadsheets write them. Raises UnreadableFileError."""
    if len(content) > MAX_BYTES:
        raise UnreadableFileError(_("The file has more than %d MiB.") % (MAX_BYTES // 2**20))
    lines = rows_of(content)
    _number, titles = next(lines, (1, []))
    columns = _columns_of(titles)
    wishes: list[Wish] = []
    for number, cells in lines:
        values = {
            name: cells[place].strip() for name, place in columns.items() if place < len(cells)
        }
        if not any(values.values()):
            continue
        if len(wishes) == MAX_ROWS:
            raise UnreadableFileError(_("The file has more than %d rows.") % MAX_ROWS)
        tags = tuple(read_tags(values.pop("tags", "")))
        wishes.append(Wish(**values, tags=tags, row=number))
    return wishes


def read_partner_list(partner_token: str) -> list[Wish]:
    """Raises ZapiError."""
    return [
        Wish(name=one.name or one.zapi_id, zapi_id=one.zapi_id, token=one.token)
        for one in PartnerClient(partner_token).instances()
    ]


@transaction.atomic
def preview(
    wishes: Sequence[Wish],
    *,
    visible: Iterable[Instance],
    by: User | None = None,
    account: Account | None = None,
) -> Batch:
    """A batch that says what would happen to each; nothing does until it is started.

    `visible` are the instances that whoever asks may change.
    """
    batch = Batch.objects.create(kind=BatchKind.IMPORT, account=account, by=by)
    changeable = {instance.zapi_id: instance for instance in visible}
    taken = dict(Instance.objects.values_list("zapi_id", "archived_at"))
    rows, seen = [], set[str]()
    for number, wished in enumerate(wishes, 1):
        read = read_credentials(wished.zapi_id, wished.token, wished.client_token)
        known = changeable.get(read.zapi_id)
        wish = replace(
            wished,
            # What people call an instance is theirs to say, not a partner's.
            name="" if known and account else wished.name,
            zapi_id=read.zapi_id,
            token=read.token,
            client_token=read.client_token,
        )
        problem = _problem(wish, read, known, taken, seen)
        seen.add(wish.zapi_id)
        rows.append(_row(batch, wish.row or number, wish, known, problem))
    BatchRow.objects.bulk_create(rows, batch_size=500)
    return batch


def _columns_of(header: Sequence[str]) -> dict[str, int]:
    """Where our columns are. Raises UnreadableFileError without an instance id."""
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
    wish: Wish,
    read: Credentials,
    known: Instance | None,
    taken: Mapping[str, datetime | None],
    seen: set[str],
) -> str:
    """Why a row cannot be imported, '' where it can."""
    if known is None and wish.zapi_id in taken:
        return _ARCHIVED if taken[wish.zapi_id] else _ELSEWHERE
    # One that is there already has the id that it has.
    unsound = [words for name, words in read.problems.items() if not (known and name == "zapi_id")]
    checks = (
        (not wish.zapi_id, _WITHOUT_ID),
        (wish.zapi_id in seen, _TWICE),
        (known is None and not (wish.name and wish.token), _INCOMPLETE),
        *((True, source(words)) for words in (*unsound, problem_of_name(wish.name)) if words),
    )
    return next((problem for is_so, problem in checks if is_so), "")


def _row(batch: Batch, number: int, wish: Wish, known: Instance | None, problem: str) -> BatchRow:
    changes = changes_of(wish, known, batch.account) if known and not problem else {}
    plan = Plan.REFUSE if problem else _plan(known, changes)
    is_open = plan in (Plan.ADD, Plan.UPDATE)
    return BatchRow(
        batch=batch,
        number=number,
        instance=None if problem else known,
        plan=plan,
        state=RowState.WAITING if is_open else RowState.LEFT_OUT,
        problem=problem,
        # Cut, and without a token, because what is refused is shown as well.
        name=redact(wish.name)[:MAX_NAME_LENGTH],
        zapi_id=redact(wish.zapi_id)[:MAX_ID_LENGTH],
        token=wish.token if is_open else "",
        client_token=wish.client_token if is_open else "",
        tags=", ".join(wish.tags)[:500],
        changes=changes,
    )


def _plan(known: Instance | None, changes: Mapping[str, Any]) -> Plan:
    if known is None:
        return Plan.ADD
    return Plan.UPDATE if changes else Plan.SKIP


def changes_of(wish: Wish, known: Instance, account: Account | None) -> dict[str, Any]:
    """What would change, by name; of a secret no more than that it does."""
    there = {tag.name.lower() for tag in known.tags.all()}
    found: dict[str, Any] = {
        "name": [known.name, wish.name] if wish.name not in ("", known.name) else None,
        "token": _differs(wish.token, known.token),
        "client_token": _differs(wish.client_token, known.account.client_token),
        "tags": [tag for tag in wish.tags if tag.lower() not in there],
        "account": account.name if account and moves(known, account) else None,
    }
    return {name: change for name, change in found.items() if change}


def changes_in_words(changes: Mapping[str, Any]) -> str:
    """What changes_of() tells, in the reader's language."""
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
    """Whether the instance moves to this account; not if it would lose its Client-Token."""
    is_safe = bool(account.client_token) or not instance.account.client_token
    return instance.account_id != account.pk and is_safe


def _differs(given: str, stored: object) -> bool:
    try:
        return bool(given) and given != stored.reveal()  # type: ignore[attr-defined]
    except SecretUnreadableError:
        return True
