from argparse import BooleanOptionalAction
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from messages.management.instances.changing import (
    archive,
    delete,
    restore,
    retire,
    rotate,
    tag,
    take_every,
    token_policy,
    unarchive,
)
from messages.management.instances.importing import import_many
from messages.management.instances.pushing import add, list_all, push_chosen, verify
from messages.models import TokenPolicy, WebhookKind

_CALLS: Final[Mapping[str, Callable[[BaseCommand, dict[str, Any]], None]]] = {
    "add": add,
    "list": list_all,
    "push": push_chosen,
    "verify": verify,
    "restore": restore,
    "take-every": take_every,
    "rotate": rotate,
    "retire": retire,
    "archive": archive,
    "unarchive": unarchive,
    "delete": delete,
    "token-policy": token_policy,
    "tag": tag,
    "import": import_many,
}
TOKEN_HELP = "the instance's token; - reads it from standard input, without it ZAPI_TOKEN counts"  # noqa: S105
CLIENT_TOKEN_HELP = "the account's security token, or - or ZAPI_CLIENT_TOKEN likewise"  # noqa: S105


class Command(BaseCommand):
    help = "Connect instances, push their webhook URLs to Z-API, and see whether they still are."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        adding = commands.add_parser("add", help="connect an instance and push its webhook URL")
        adding.add_argument("--name", required=True)
        adding.add_argument(
            "--zapi-id", required=True, metavar="ID", help="the instance id at Z-API"
        )
        adding.add_argument("--token", help=TOKEN_HELP)
        adding.add_argument("--client-token", help=CLIENT_TOKEN_HELP)
        adding.add_argument("--tags", default="", help="words between commas")
        adding.add_argument("--no-push", action="store_true", help="save only")
        _add_replace(adding)
        _add_json(adding)
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
        importing.add_argument("--push", action="store_true", help="push imported instances")
        _add_json(importing)

    def _add_changes(self, commands: Any) -> None:
        """The commands on one instance."""

        def on_one(name: str, words: str) -> Any:
            command = commands.add_parser(name, help=words)
            command.add_argument("instance", help="its number here, or its id at Z-API")
            return command

        restoring = on_one("restore", "give Z-API back the URL that ours replaced")
        restoring.add_argument(
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
        deleting = on_one("delete", "connected by mistake: only while nothing was ever received")
        deleting.add_argument("--force", action="store_true", help="although others had its hooks")
        policy = on_one("token-policy", "what becomes of callbacks without its own z-api-token")
        policy.add_argument("policy", choices=TokenPolicy.values)
        policy.add_argument("--force", action="store_true", help="although it would refuse some")
        tagging = on_one("tag", "say by which words it is found")
        tagging.add_argument("tags", help='words between commas; "" for none')

    def handle(self, *, command: str, **options: Any) -> None:
        _CALLS[command](self, options)


def _add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="JSON, and nothing else, on stdout")


def _add_replace(parser: Any) -> None:
    parser.add_argument(
        "--replace", action="store_true", help="take the place of somebody else's URL; it is kept"
    )
    parser.add_argument(
        "--forward", action="store_true", help="with --replace: pass its callbacks on to that URL"
    )
