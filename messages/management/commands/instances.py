import json
import os
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from messages.instances.addresses import webhook_url, why_push_is_off
from messages.instances.connect import AlreadyConnectedError, connect
from messages.instances.push import push, verify
from messages.models import Instance, Webhook, WebhookKind, WebhookState

TOKEN_HELP = "the instance's token; - reads it from standard input, without it ZAPI_TOKEN counts"  # noqa: S105
CLIENT_TOKEN_HELP = "the account's security token, or - or ZAPI_CLIENT_TOKEN likewise"  # noqa: S105


class Command(BaseCommand):
    help = "Connect instances, push their webhook URL to Z-API, and see whether it is still there."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        add = commands.add_parser("add", help="connect an instance and push its webhook URL")
        add.add_argument("--name", required=True)
        add.add_argument("--zapi-id", required=True, metavar="ID", help="the instance id at Z-API")
        add.add_argument("--token", help=TOKEN_HELP)
        add.add_argument("--client-token", help=CLIENT_TOKEN_HELP)
        add.add_argument("--no-push", action="store_true", help="save only")
        _add_json(add)
        for name, words in (
            ("push", "set the webhook URL at Z-API and read it back"),
            ("verify", "read back which URL Z-API calls"),
        ):
            command = commands.add_parser(name, help=words)
            which = command.add_mutually_exclusive_group(required=True)
            which.add_argument("instance", nargs="?", help="its number here, or its id at Z-API")
            which.add_argument("--all", action="store_true", help="every instance")
            command.add_argument(
                "--kind", choices=WebhookKind.values, default=WebhookKind.MESSAGE_STATUS.value
            )
            _add_json(command)
        _add_json(commands.add_parser("list", help="every instance and its webhook"))

    def handle(self, *, command: str, **options: Any) -> None:
        if command == "add":
            self._add(options)
        elif command == "list":
            self._list(options)
        else:
            self._call(push if command == "push" else verify, options)

    def _add(self, options: dict[str, Any]) -> None:
        instance = _connect(options)
        if not options["no_push"]:
            problem = str(why_push_is_off() or push(instance).words)
            if problem:
                self.stderr.write(self.style.WARNING(problem))
        described = _describe(instance) | {"webhook_url": webhook_url(instance)}
        words = f"{instance} is connected. Its webhook URL:\n{described['webhook_url']}"
        self._say(json.dumps(described) if options["json"] else words)

    def _call(self, call: Any, options: dict[str, Any]) -> None:
        if call is push and (reason := why_push_is_off()):
            raise CommandError(str(reason))
        instances = _chosen(options)
        webhooks = [call(instance, options["kind"]) for instance in instances]
        results = [_result(webhook) for webhook in webhooks]
        if options["json"]:
            self._say(json.dumps(results if options["all"] else results[0]))
        for webhook in webhooks:
            if not webhook.problem and not options["json"]:
                self._say(f"{webhook.instance}: {webhook.get_state_display()}.")
        failed = [f"{webhook.instance}: {webhook.words}" for webhook in webhooks if webhook.problem]
        if failed:
            raise CommandError("\n".join(failed))

    def _list(self, options: dict[str, Any]) -> None:
        instances = Instance.objects.active().with_last_heard().prefetch_related("webhooks")
        rows = [_row(instance) for instance in instances]
        if options["json"]:
            self._say(json.dumps(rows))
            return
        for row in rows:
            heard = row["last_heard_at"] or "never"
            self._say(f"{row['id']}  {row['name']}  {row['zapi_id']}  {row['state']}  {heard}")

    def _say(self, words: str) -> None:
        self.stdout.write(words)


def _add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="JSON, and nothing else, on stdout")


def _connect(options: dict[str, Any]) -> Instance:
    token = _secret(options["token"], "ZAPI_TOKEN")
    if not token:
        raise CommandError("Give the instance's token: --token T, --token - or ZAPI_TOKEN.")
    try:
        return connect(
            name=options["name"].strip(),
            zapi_id=options["zapi_id"].strip(),
            token=token,
            client_token=_secret(options["client_token"], "ZAPI_CLIENT_TOKEN"),
        )
    except AlreadyConnectedError as error:
        raise CommandError(str(error)) from None
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from None


def _secret(given: str | None, variable: str) -> str:
    """A secret on the command line stands in the shell's history: there are two other ways."""
    if given == "-":
        return sys.stdin.readline().strip()
    return (given or os.environ.get(variable, "")).strip()


def _chosen(options: dict[str, Any]) -> list[Instance]:
    instances = Instance.objects.active().select_related("account")
    if options["all"]:
        return list(instances)
    which = options["instance"]
    by_number = Q(pk=int(which)) if which.isdecimal() and len(which) < 19 else Q()
    found = instances.filter(Q(zapi_id=which)).first() or (
        instances.filter(by_number).first() if by_number else None
    )
    if not found:
        raise CommandError(f"There is no instance {which}. `instances list` shows them all.")
    return [found]


def _describe(instance: Instance) -> dict[str, Any]:
    return {"id": instance.pk, "name": instance.name, "zapi_id": instance.zapi_id}


def _result(webhook: Webhook) -> dict[str, Any]:
    return _describe(webhook.instance) | {
        "kind": webhook.kind,
        "state": webhook.state,
        "problem": webhook.words,
    }


def _row(instance: Instance) -> dict[str, Any]:
    states = {webhook.kind: webhook.state for webhook in instance.webhooks.all()}
    heard = instance.last_heard_at
    return _describe(instance) | {
        "connected": instance.connected,
        "state": states.get(WebhookKind.MESSAGE_STATUS, WebhookState.NEVER_VERIFIED),
        "last_heard_at": heard.isoformat() if heard else None,
    }
