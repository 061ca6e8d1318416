"""The `instances` subcommands that connect, push, verify and list instances.

They print results as text or JSON.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from messages import forwarding
from messages.accounts.audit import audit
from messages.instances.bulk_jobs import progress_of, run_batch, start_for
from messages.instances.connect import AlreadyConnectedError, connect
from messages.instances.credentials import read_credentials
from messages.instances.push import ANYTHING, push, push_wanted
from messages.instances.sync import is_foreign
from messages.instances.tags import add_tags, read_tags
from messages.instances.verify import check
from messages.instances.webhook_urls import webhook_url, why_push_is_off
from messages.models import Action, Batch, BatchKind, Instance, Webhook, WebhookKind, WebhookState

from .choosing import chosen, is_bulk, related, secret, tagged


def add(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = _connect(options)
    audit(None, Action.INSTANCE_ADDED, about=instance)
    if not options["no_push"]:
        for problem in push_one(instance, options):
            command.stderr.write(command.style.WARNING(problem))
    described = _describe(instance) | {"webhook_url": webhook_url(instance)}
    words = f"{instance} is connected. Its webhook URL:\n{described['webhook_url']}"
    command.stdout.write(json.dumps(described) if options["json"] else words)


def push_chosen(command: BaseCommand, options: dict[str, Any]) -> None:
    if reason := why_push_is_off():
        raise CommandError(str(reason.label))
    if is_bulk(options) and not (options["kind"] or options["replace"]):
        _work(command, _started(BatchKind.PUSH, options), options)
    else:
        report(
            command,
            [_push(instance, options["kind"], options) for instance in chosen(options)],
            options,
        )


def verify(command: BaseCommand, options: dict[str, Any]) -> None:
    if is_bulk(options) and not options["kind"]:
        _work(command, _started(BatchKind.VERIFY, options), options)
    else:
        report(command, [check_one(one, options["kind"]) for one in chosen(options)], options)


def list_all(command: BaseCommand, options: dict[str, Any]) -> None:
    instances = tagged(Instance.objects.active(), options["tag"])
    rows = [_row(one) for one in related(instances.with_last_heard())]
    if options["json"]:
        command.stdout.write(json.dumps(rows))
        return
    for row in rows:
        heard = row["last_heard_at"] or "never"
        tags = ", ".join(row["tags"])
        command.stdout.write(
            f"{row['id']}  {row['name']}  {row['zapi_id']}  {row['state']}  {heard}  {tags}"
        )


def report(command: BaseCommand, groups: Iterable[list[Webhook]], options: dict[str, Any]) -> None:
    groups = [group for group in groups if group]
    if options["json"]:
        results = [_result(group) for group in groups]
        command.stdout.write(json.dumps(results if is_bulk(options) else results[0]))
    failed = []
    for group in groups:
        problems = [one for one in group if one.problem]
        failed += [f"{one.instance}: {one.problem_text}" for one in problems]
        if not problems and not options["json"]:
            state = WebhookState(group[0].state).label
            kinds = ", ".join(str(one) for one in group)
            command.stdout.write(f"{group[0].instance}: {state}. ({kinds})")
    if failed:
        raise CommandError("\n".join(dict.fromkeys(failed)))


def push_one(instance: Instance, options: dict[str, Any]) -> list[str]:
    if reason := why_push_is_off():
        return [str(reason.label)]
    webhooks = _push(instance, None, options)
    # If all webhooks failed for the same reason, report it once.
    return list(dict.fromkeys(one.problem_text for one in webhooks if one.problem))


def _work(command: BaseCommand, batch: Batch, options: dict[str, Any]) -> None:
    """Process the batch row by row and report the results.

    If the command is stopped, the worker processes the remaining rows.
    """
    total = progress_of(batch).total
    for number, row in enumerate(run_batch(batch), 1):
        command.stderr.write(f"{number} of {total}  {row.instance or row.name}")
    instances = related(
        Instance.objects.filter(pk__in=batch.rows.exclude(instance=None).values("instance"))
    )
    report(command, [_wanted(instance) for instance in instances], options)


def _connect(options: dict[str, Any]) -> Instance:
    token = secret(options["token"], "ZAPI_TOKEN")
    if not (token or read_credentials(options["zapi_id"]).token):
        raise CommandError("Give the instance's token: --token T, --token - or ZAPI_TOKEN.")
    try:
        instance = connect(
            name=options["name"].strip(),
            zapi_id=options["zapi_id"].strip(),
            token=token,
            client_token=secret(options["client_token"], "ZAPI_CLIENT_TOKEN"),
        )
    except AlreadyConnectedError as error:
        raise CommandError(str(error)) from None
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from None
    add_tags(instance, read_tags(options["tags"]))
    return instance


def _push(instance: Instance, kind: str | None, options: dict[str, Any]) -> list[Webhook]:
    if options["replace"] and options["forward"]:
        _forward(instance, kind)
    replacing = ANYTHING if options["replace"] else ""
    webhooks = (
        [push(instance, kind, replacing=replacing)]
        if kind
        else push_wanted(instance, replacing=replacing)
    )
    for webhook in webhooks:
        audit(None, Action.WEBHOOK_PUSHED, about=instance, details={"kind": webhook.kind})
    return webhooks


def _forward(instance: Instance, kind: str | None) -> None:
    found = {webhook.kind: webhook.found_url for webhook in check_one(instance, kind)}
    forward_all(instance, {kind: url for kind, url in found.items() if is_foreign(url)})


def forward_all(instance: Instance, urls: Mapping[str, str]) -> None:
    """Forward callbacks to the URLs that Z-API calls now.

    Do this before replacing them, so that those systems miss no callback.
    """
    try:
        forwarding.forward_all(instance, urls)
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from None
    for kind in urls:
        audit(None, Action.FORWARDING_CHANGED, about=instance, details={"kind": kind})


def _started(kind: BatchKind, options: dict[str, Any]) -> Batch:
    batch = start_for(chosen(options), kind)
    audit(None, Action.BATCH_STARTED, details={"batch": batch.pk, "kind": kind.value})
    return batch


def check_one(instance: Instance, kind: str | None) -> list[Webhook]:
    check(instance)
    return _wanted(instance, kind)


def _wanted(instance: Instance, kind: str | None = None) -> list[Webhook]:
    webhooks = instance.webhooks.all()
    chosen = [one for one in webhooks if (one.kind == kind if kind else one.is_wanted)]
    for webhook in chosen:
        webhook.instance = instance
    return sorted(chosen, key=lambda one: [*WebhookKind.values, one.kind].index(one.kind))


def _describe(instance: Instance) -> dict[str, Any]:
    return {"id": instance.pk, "name": instance.name, "zapi_id": instance.shown_id}


def _result(webhooks: list[Webhook]) -> dict[str, Any]:
    """One JSON object: the fields of the first webhook, and the list of all webhooks."""
    every = [
        {
            "kind": one.kind,
            "state": one.state,
            "problem": one.problem_text,
            "problem_code": one.problem,
            "previous_url": one.previous_url,
        }
        for one in webhooks
    ]
    return _describe(webhooks[0].instance) | every[0] | {"webhooks": every}


def _row(instance: Instance) -> dict[str, Any]:
    states = {webhook.kind: webhook.state for webhook in instance.webhooks.all()}
    heard, due = instance.last_heard_at, instance.due_at
    return _describe(instance) | {
        "connected": instance.connected,
        "state": states.get(WebhookKind.MESSAGE_STATUS, WebhookState.NEVER_VERIFIED),
        "last_heard_at": heard.isoformat() if heard else None,
        "paid_until": due.isoformat() if due else None,
        "tags": [tag.name for tag in instance.tags.all()],
    }
