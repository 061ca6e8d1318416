"""`instances import`: connect instances from a CSV file or a partner's list."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q

from messages.accounts.audit import audit
from messages.domain.csv_reader import UnreadableFileError
from messages.instances.bulk_import import (
    ImportRow,
    describe_changes,
    preview,
    read_csv,
    read_partner_list,
)
from messages.instances.bulk_jobs import run_batch, start
from messages.instances.connect import save_partner
from messages.instances.sync import FAILURES
from messages.models import Account, Action, Batch, BatchRow, Instance, Plan, RowState

from .choosing import content, secret


def import_many(command: BaseCommand, options: dict[str, Any]) -> None:
    source = _source(options)
    with ExitStack() as dry_run:
        if options["dry_run"]:
            # Roll back the batch, its tokens and the partner token.
            dry_run.enter_context(transaction.atomic())
            dry_run.callback(transaction.set_rollback, True)
        refused = _import(command, _preview(source, options), options)
    if refused:
        raise CommandError(f"{refused} rows were not imported.")


def _import(command: BaseCommand, batch: Batch, options: dict[str, Any]) -> int:
    """Return how many rows were not imported."""
    if not options["json"]:
        for row in batch.rows.select_related("instance"):
            name = row.name or (row.instance.name if row.instance else "")
            news = row.problem_text or describe_changes(row.changes)
            text = f"{row.get_plan_display()}: {name} {row.shown_id} {news}".rstrip()
            command.stdout.write(f"{row.number}  {text}")
    if not options["dry_run"]:
        start(batch, pushes=options["push"])
        audit(None, Action.INSTANCES_IMPORTED, details={"batch": batch.pk})
        for row in run_batch(batch):
            text = f"{row.number}  {row.get_state_display()}  {row.problem_text}"
            command.stderr.write(text.rstrip())
    if options["json"]:
        command.stdout.write(json.dumps([_describe_row(row) for row in batch.rows.all()]))
    return batch.rows.filter(Q(plan=Plan.REFUSE) | Q(state=RowState.FAILED)).count()


@dataclass(frozen=True, slots=True)
class _Source:
    """What to import. `partner_token` is set only if the command received a new one."""

    rows: list[ImportRow]
    account: Account | None = None
    partner_token: str = field(default="", repr=False)


def _source(options: dict[str, Any]) -> _Source:
    if not (options["file"] or options["partner"]):
        raise CommandError("Give a CSV file, or an account with --partner.")
    try:
        if options["partner"]:
            return _partners_list(options["partner"], options["partner_token"])
        return _Source(read_csv(content(options["file"])))
    except (UnreadableFileError, *FAILURES) as error:
        raise CommandError(str(error)) from None


def _partners_list(name: str, given: str | None) -> _Source:
    known = Account.objects.filter(name=name)
    account = max(known, key=lambda one: bool(one.partner_token), default=None)
    token = secret(given, "ZAPI_PARTNER_TOKEN")
    if not token and not (account and account.partner_token):
        raise CommandError(f"Account {name} has no partner token. Give one with --partner-token -")
    stored = account.partner_token.reveal() if account and not token else ""
    return _Source(read_partner_list(token or stored), account, token)


def _preview(source: _Source, options: dict[str, Any]) -> Batch:
    """Store the partner token, because Z-API has just accepted it, and preview the rows."""
    account = source.account
    if source.partner_token:
        account = save_partner(
            account=account,
            name=options["partner"],
            partner_token=source.partner_token,
            client_token=secret(options["client_token"], "ZAPI_CLIENT_TOKEN"),
            by=None,
        )
    instances = Instance.objects.active().select_related("account").prefetch_related("tags")
    return preview(source.rows, visible=instances, account=account)


def _describe_row(row: BatchRow) -> dict[str, Any]:
    return {
        "row": row.number,
        "name": row.name,
        "zapi_id": row.shown_id,
        "plan": row.plan,
        "state": row.state,
        "problem": row.problem_text,
        "problem_code": row.problem,
        "changes": row.changes,
    }
