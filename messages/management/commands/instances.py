import json
import os
import sys
from argparse import BooleanOptionalAction
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Q

from messages import forwarding
from messages.audit import Action, audit
from messages.instances import archive, owners, rotate, tokens
from messages.instances.addresses import webhook_url, why_push_is_off
from messages.instances.batches import progress_of, start, start_for, work_on
from messages.instances.connect import AlreadyConnectedError, connect, save_partner, update
from messages.instances.imports import (
    NotReadableError,
    Wish,
    changes_in_words,
    preview,
    read_csv,
    read_partner_list,
)
from messages.instances.push import ANYTHING, push, push_wanted
from messages.instances.reading import FAILURES, is_foreign, webhooks_of
from messages.instances.tags import add_tags, read_tags, set_tags
from messages.instances.verify import check
from messages.models import (
    Account,
    Batch,
    BatchKind,
    Instance,
    Plan,
    RowState,
    TokenPolicy,
    Webhook,
    WebhookKind,
    WebhookState,
)
from messages.models.instance import InstanceQuerySet

TOKEN_HELP = "the instance's token; - reads it from standard input, without it ZAPI_TOKEN counts"  # noqa: S105
CLIENT_TOKEN_HELP = "the account's security token, or - or ZAPI_CLIENT_TOKEN likewise"  # noqa: S105


class Command(BaseCommand):
    help = "Connect instances, push their webhook URLs to Z-API, and see whether they still are."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        add = commands.add_parser("add", help="connect an instance and push its webhook URL")
        add.add_argument("--name", required=True)
        add.add_argument("--zapi-id", required=True, metavar="ID", help="the instance id at Z-API")
        add.add_argument("--token", help=TOKEN_HELP)
        add.add_argument("--client-token", help=CLIENT_TOKEN_HELP)
        add.add_argument("--tags", default="", help="words between commas")
        add.add_argument("--no-push", action="store_true", help="save only")
        _add_replace(add)
        _add_json(add)
        for name, words in (
            ("push", "set the webhook URLs at Z-API and read them back"),
            ("verify", "read back which URLs Z-API calls"),
        ):
            command = commands.add_parser(name, help=words)
            which = command.add_mutually_exclusive_group(required=True)
            which.add_argument("instance", nargs="?", help="its number here, or its id at Z-API")
            which.add_argument("--all", action="store_true", help="every instance")
            which.add_argument("--tag", help="every instance with this tag")
            command.add_argument("--kind", choices=WebhookKind.values, help="this webhook alone")
            if name == "push":
                _add_replace(command)
            _add_json(command)
        listing = commands.add_parser("list", help="every instance and its webhook")
        listing.add_argument("--tag", help="those with this tag")
        _add_json(listing)
        self._add_changes(commands)
        importing = commands.add_parser("import", help="connect many, from a file or a partner")
        importing.add_argument("file", nargs="?", help="a CSV file; - reads standard input")
        importing.add_argument(
            "--partner", metavar="NAME", help="the list of this account, by its name here"
        )
        importing.add_argument(
            "--partner-token", help="a new one of that account; - reads it from standard input"
        )
        importing.add_argument("--client-token", help=CLIENT_TOKEN_HELP)
        importing.add_argument("--dry-run", action="store_true", help="say what would happen")
        importing.add_argument("--push", action="store_true", help="push what was imported")
        _add_json(importing)

    def _add_changes(self, commands: Any) -> None:
        """The commands on one instance."""

        def on_one(name: str, words: str) -> Any:
            command = commands.add_parser(name, help=words)
            command.add_argument("instance", help="its number here, or its id at Z-API")
            return command

        restore = on_one("restore", "give Z-API back the URL that ours replaced")
        restore.add_argument(
            "--kind", choices=WebhookKind.values, default=WebhookKind.MESSAGE_STATUS.value
        )
        every = on_one("take-every", "take every webhook, inbound messages and presence too")
        every.add_argument(
            "--sent-by-me",
            action=BooleanOptionalAction,
            help="hear of own messages, or not; without it that stays as it is",
        )
        every.add_argument("--replace", action="store_true", help="although somebody else has them")
        every.add_argument(
            "--forward", action="store_true", help="with --replace: pass all on to whoever has them"
        )
        rotation = on_one("rotate", "a new secret in the webhook's URL, or new tokens")
        rotation.add_argument("--token", help="a new token of the instance; - reads it from stdin")
        rotation.add_argument("--client-token", help="a new Client-Token of its account, or -")
        retiring = on_one("retire", "refuse the URLs with an older secret from now on")
        retiring.add_argument("--now", action="store_true", help="without waiting for an hour")
        archiving = on_one("archive", "no longer used: refuse its callbacks, verify it no more")
        archiving.add_argument(
            "--restore", action="store_true", help="first give back what ours replaced"
        )
        archiving.add_argument("--force", action="store_true", help="although others had its hooks")
        on_one("unarchive", "bring it back")
        policy = on_one("token-policy", "what becomes of callbacks without its own z-api-token")
        policy.add_argument("policy", choices=TokenPolicy.values)
        policy.add_argument("--force", action="store_true", help="although it would refuse some")
        tagging = on_one("tag", "say by which words it is found")
        tagging.add_argument("tags", help='words between commas; "" for none')

    def handle(self, *, command: str, **options: Any) -> None:
        calls: dict[str, Callable[[dict[str, Any]], None]] = {
            "add": self._add,
            "list": self._list,
            "push": self._push,
            "verify": self._verify,
            "restore": self._restore,
            "take-every": self._take_every,
            "rotate": self._rotate,
            "retire": self._retire,
            "archive": self._archive,
            "unarchive": self._unarchive,
            "token-policy": self._token_policy,
            "tag": self._tag,
            "import": self._import,
        }
        calls[command](options)

    def _add(self, options: dict[str, Any]) -> None:
        instance = _connect(options)
        audit(None, Action.INSTANCE_ADDED, about=instance)
        if not options["no_push"]:
            for problem in self._push_one(instance, options):
                self.stderr.write(self.style.WARNING(problem))
        described = _describe(instance) | {"webhook_url": webhook_url(instance)}
        words = f"{instance} is connected. Its webhook URL:\n{described['webhook_url']}"
        self._say(json.dumps(described) if options["json"] else words)

    def _push_one(self, instance: Instance, options: dict[str, Any]) -> list[str]:
        if reason := why_push_is_off():
            return [str(reason)]
        webhooks = _push(instance, None, options)
        # One reason for all of them is said once.
        return list(dict.fromkeys(one.words for one in webhooks if one.problem))

    def _push(self, options: dict[str, Any]) -> None:
        if reason := why_push_is_off():
            raise CommandError(str(reason))
        if _is_bulk(options) and not (options["kind"] or options["replace"]):
            self._work(_started(BatchKind.PUSH, options), options)
        else:
            self._report(
                [_push(instance, options["kind"], options) for instance in _chosen(options)],
                options,
            )

    def _verify(self, options: dict[str, Any]) -> None:
        if _is_bulk(options) and not options["kind"]:
            self._work(_started(BatchKind.VERIFY, options), options)
        else:
            self._report([_check(one, options["kind"]) for one in _chosen(options)], options)

    def _work(self, batch: Batch, options: dict[str, Any]) -> None:
        """Row by row. Stopped in the middle, the worker does the rest."""
        total = progress_of(batch).total
        for number, row in enumerate(work_on(batch), 1):
            self.stderr.write(f"{number} of {total}  {row.instance or row.name}")
        instances = _related(
            Instance.objects.filter(pk__in=batch.rows.exclude(instance=None).values("instance"))
        )
        self._report([_wanted(instance) for instance in instances], options)

    def _report(self, groups: Iterable[list[Webhook]], options: dict[str, Any]) -> None:
        groups = [group for group in groups if group]
        if options["json"]:
            results = [_result(group) for group in groups]
            self._say(json.dumps(results if _is_bulk(options) else results[0]))
        failed = []
        for group in groups:
            problems = [one for one in group if one.problem]
            failed += [f"{one.instance}: {one.words}" for one in problems]
            if not problems and not options["json"]:
                state = WebhookState(group[0].state).label
                kinds = ", ".join(str(one) for one in group)
                self._say(f"{group[0].instance}: {state}. ({kinds})")
        if failed:
            raise CommandError("\n".join(dict.fromkeys(failed)))

    def _list(self, options: dict[str, Any]) -> None:
        instances = _tagged(Instance.objects.active(), options["tag"])
        rows = [_row(one) for one in _related(instances.with_last_heard())]
        if options["json"]:
            self._say(json.dumps(rows))
            return
        for row in rows:
            heard = row["last_heard_at"] or "never"
            tags = ", ".join(row["tags"])
            self._say(
                f"{row['id']}  {row['name']}  {row['zapi_id']}  {row['state']}  {heard}  {tags}"
            )

    def _restore(self, options: dict[str, Any]) -> None:
        instance = _one(options)
        webhook = webhooks_of(instance)[options["kind"]]
        if not webhook.previous_url:
            raise CommandError("No other URL was there before.")
        _done(owners.restore, webhook)
        audit(None, Action.WEBHOOK_RESTORED, about=instance, details={"kind": webhook.kind})
        self._say(f"{instance}: Z-API calls the previous URL again.")

    def _take_every(self, options: dict[str, Any]) -> None:
        instance = _one(options)
        foreign = _done(owners.reach, instance).foreign
        if foreign and not options["replace"]:
            listed = "\n".join(f"  {one.kind}: {one.url}" for one in foreign)
            raise CommandError(f"Somebody else has these; --replace takes them:\n{listed}")
        if options["forward"]:
            _forward_all(instance, {one.kind: one.url for one in foreign})
        _done(lambda: owners.take_every(instance, sent_by_me=options["sent_by_me"]))
        audit(None, Action.WEBHOOK_PUSHED, about=instance, details={"kind": "every"})
        self._say(f"{instance}: Z-API calls this board for everything.")

    def _rotate(self, options: dict[str, Any]) -> None:
        instance = _one(options)
        secrets = {
            name: _secret(options[name], "") for name in ("token", "client_token") if options[name]
        }
        if secrets:
            update(instance, name=instance.name, **secrets)
            audit(None, Action.INSTANCE_CHANGED, about=instance, details={"fields": [*secrets]})
            self._report([_check(instance, None)], options | {"json": False})
            return
        rotate.rotate_key(instance)
        audit(None, Action.KEY_ROTATED, about=instance)
        self._say(f"{instance} has a new webhook URL; the old one stays good for now.")
        if problems := self._push_one(instance, {"replace": False}):
            raise CommandError("\n".join(problems))
        self._say("Z-API calls the new one. The worker retires the old one in an hour.")

    def _retire(self, options: dict[str, Any]) -> None:
        instance = _one(options)
        try:
            rotate.retire_old_keys(instance, at_once=options["now"])
        except rotate.NotRetiredError as error:
            raise CommandError(str(error)) from None
        audit(None, Action.KEY_RETIRED, about=instance)
        self._say(f"{instance}: only the newest webhook URL is let in.")

    def _archive(self, options: dict[str, Any]) -> None:
        instance = _one(options)
        if options["restore"]:
            _done(archive.give_back, instance)
            audit(None, Action.WEBHOOK_RESTORED, about=instance, details={"kind": "every"})
        elif archive.has_previous(instance) and not options["force"]:
            raise CommandError(
                "Others had its webhooks: --restore gives them back first, --force does not."
            )
        archive.archive(instance)
        audit(None, Action.INSTANCE_CHANGED, about=instance, details={"archived": True})
        self._say(f"{instance} is archived.")

    def _unarchive(self, options: dict[str, Any]) -> None:
        instance = _one(options, Instance.objects.archived())
        archive.unarchive(instance)
        audit(None, Action.INSTANCE_CHANGED, about=instance, details={"archived": False})
        self._say(f"{instance} is back. Push its webhooks, unless Z-API still calls this board.")

    def _token_policy(self, options: dict[str, Any]) -> None:
        instance, policy = _one(options), TokenPolicy(options["policy"])
        mismatches = tokens.mismatches_of(instance)
        counted = f"{mismatches.differing} with another token and {mismatches.missing} with none"
        if policy == TokenPolicy.ENFORCE and mismatches and not options["force"]:
            raise CommandError(
                f"In the last 24 hours {counted} came, which would be refused and lost. "
                "--force enforces it all the same."
            )
        tokens.set_policy(instance, policy)
        details = {"fields": ["token_policy"], "token_policy": policy.value}
        audit(None, Action.INSTANCE_CHANGED, about=instance, details=details)
        self._say(f"{instance}: {policy.value}. In the last 24 hours: {counted}.")

    def _tag(self, options: dict[str, Any]) -> None:
        instance = _one(options)
        set_tags(instance, read_tags(options["tags"]))
        audit(None, Action.INSTANCE_CHANGED, about=instance, details={"fields": ["tags"]})
        self._say(f"{instance}: {', '.join(map(str, instance.tags.all())) or '–'}")

    def _import(self, options: dict[str, Any]) -> None:
        source = _source(options)
        with ExitStack() as trial:
            if options["dry_run"]:
                # Nothing of it stays: neither a partner token nor those of the rows.
                trial.enter_context(transaction.atomic())
                trial.callback(transaction.set_rollback, True)
            refused = self._carry_out(_preview(source, options), options)
        if refused:
            raise CommandError(f"{refused} rows were not imported.")

    def _carry_out(self, batch: Batch, options: dict[str, Any]) -> int:
        """Give how many rows were not imported."""
        if not options["json"]:
            for row in batch.rows.select_related("instance"):
                name = row.name or (row.instance.name if row.instance else "")
                news = row.words or changes_in_words(row.changes)
                words = f"{row.get_plan_display()}: {name} {row.zapi_id} {news}".rstrip()
                self._say(f"{row.number}  {words}")
        if not options["dry_run"]:
            start(batch, pushes=options["push"])
            audit(None, Action.INSTANCES_IMPORTED, details={"batch": batch.pk})
            for row in work_on(batch):
                self.stderr.write(f"{row.number}  {row.get_state_display()}  {row.words}".rstrip())
        if options["json"]:
            self._say(json.dumps([_describe_row(row) for row in batch.rows.all()]))
        return batch.rows.filter(Q(plan=Plan.REFUSE) | Q(state=RowState.FAILED)).count()

    def _say(self, words: str) -> None:
        self.stdout.write(words)


def _add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="JSON, and nothing else, on stdout")


def _add_replace(parser: Any) -> None:
    parser.add_argument(
        "--replace", action="store_true", help="take the place of somebody else's URL; it is kept"
    )
    parser.add_argument(
        "--forward", action="store_true", help="with --replace: pass its callbacks on to that URL"
    )


def _connect(options: dict[str, Any]) -> Instance:
    token = _secret(options["token"], "ZAPI_TOKEN")
    if not token:
        raise CommandError("Give the instance's token: --token T, --token - or ZAPI_TOKEN.")
    try:
        instance = connect(
            name=options["name"].strip(),
            zapi_id=options["zapi_id"].strip(),
            token=token,
            client_token=_secret(options["client_token"], "ZAPI_CLIENT_TOKEN"),
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
    found = {webhook.kind: webhook.found_url for webhook in _check(instance, kind)}
    _forward_all(instance, {kind: url for kind, url in found.items() if is_foreign(url)})


def _forward_all(instance: Instance, urls: Mapping[str, str]) -> None:
    """Before anything is replaced: no callback may miss whom Z-API calls so far."""
    try:
        forwarding.forward_all(instance, urls)
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from None
    for kind in urls:
        audit(None, Action.FORWARDING_CHANGED, about=instance, details={"kind": kind})


def _started(kind: BatchKind, options: dict[str, Any]) -> Batch:
    batch = start_for(_chosen(options), kind)
    audit(None, Action.BATCH_STARTED, details={"batch": batch.pk, "kind": kind.value})
    return batch


def _check(instance: Instance, kind: str | None) -> list[Webhook]:
    check(instance)
    return _wanted(instance, kind)


def _wanted(instance: Instance, kind: str | None = None) -> list[Webhook]:
    webhooks = instance.webhooks.all()
    chosen = [one for one in webhooks if (one.kind == kind if kind else one.is_wanted)]
    for webhook in chosen:
        webhook.instance = instance
    return sorted(chosen, key=lambda one: WebhookKind.values.index(one.kind))


def _done(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except owners.NotDoneError as error:
        raise CommandError(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Source:
    """What is to be imported. `partner_token` is one that was given anew."""

    wishes: list[Wish]
    account: Account | None = None
    partner_token: str = field(default="", repr=False)


def _source(options: dict[str, Any]) -> _Source:
    if not (options["file"] or options["partner"]):
        raise CommandError("Name a CSV file, or an account with --partner.")
    try:
        if options["partner"]:
            return _partners_list(options["partner"], options["partner_token"])
        return _Source(read_csv(_content(options["file"])))
    except (NotReadableError, *FAILURES) as error:
        raise CommandError(str(error)) from None


def _partners_list(name: str, given: str | None) -> _Source:
    known = Account.objects.filter(name=name)
    account = max(known, key=lambda one: bool(one.partner_token), default=None)
    token = _secret(given, "ZAPI_PARTNER_TOKEN")
    if not token and not (account and account.partner_token):
        raise CommandError(f"No account {name} has a partner token. Give one: --partner-token -")
    stored = account.partner_token.reveal() if account and not token else ""
    return _Source(read_partner_list(token or stored), account, token)


def _preview(source: _Source, options: dict[str, Any]) -> Batch:
    """The list was read by now: a token that opens none is not kept."""
    account = source.account
    if source.partner_token:
        account = save_partner(
            account=account,
            name=options["partner"],
            partner_token=source.partner_token,
            client_token=_secret(options["client_token"], "ZAPI_CLIENT_TOKEN"),
            by=None,
        )
    instances = Instance.objects.active().select_related("account").prefetch_related("tags")
    return preview(source.wishes, visible=instances, account=account)


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from None


def _secret(given: str | None, variable: str) -> str:
    """A secret on the command line stands in the shell's history: there are two other ways."""
    if given == "-":
        return sys.stdin.readline().strip()
    return (given or os.environ.get(variable, "")).strip()


def _is_bulk(options: dict[str, Any]) -> bool:
    return bool(options["all"] or options["tag"])


def _chosen(options: dict[str, Any]) -> list[Instance]:
    if _is_bulk(options):
        return list(_related(_tagged(Instance.objects.active(), options["tag"])))
    return [_one(options)]


def _one(options: dict[str, Any], among: InstanceQuerySet | None = None) -> Instance:
    """One of those in use, unless others are named."""
    among = Instance.objects.active() if among is None else among
    which = options["instance"]
    found = among.select_related("account").named(which)
    if not found:
        raise CommandError(f"There is no instance {which}. `instances list` shows them all.")
    return found


def _tagged(instances: Any, tag: str | None) -> Any:
    return instances.filter(tags__name__iexact=tag) if tag else instances


def _related(instances: Any) -> Any:
    return instances.select_related("account").prefetch_related("webhooks", "tags")


def _describe(instance: Instance) -> dict[str, Any]:
    return {"id": instance.pk, "name": instance.name, "zapi_id": instance.zapi_id}


def _result(webhooks: list[Webhook]) -> dict[str, Any]:
    """The first one's own members stand beside the list of all."""
    every = [
        {
            "kind": one.kind,
            "state": one.state,
            "problem": one.words,
            "previous_url": one.previous_url,
        }
        for one in webhooks
    ]
    return _describe(webhooks[0].instance) | every[0] | {"webhooks": every}


def _describe_row(row: Any) -> dict[str, Any]:
    return {
        "row": row.number,
        "name": row.name,
        "zapi_id": row.zapi_id,
        "plan": row.plan,
        "state": row.state,
        "problem": row.words,
    }


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
