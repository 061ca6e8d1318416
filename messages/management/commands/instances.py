from argparse import BooleanOptionalAction
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from messages.management.instances.changing import (
    archive,
    delete,
    replace_every,
    restore,
    retire,
    rotate,
    tag,
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
    "take-every": replace_every,
    "rotate": rotate,
    "retire": retire,
    "archive": archive,
    "unarchive": unarchive,
    "delete": delete,
    "token-policy": token_policy,
    "tag": tag,
    "import": import_many,
}
TOKEN_HELP = "the instance's token; - reads standard input; default: ZAPI_TOKEN"  # noqa: S105
CLIENT_TOKEN_HELP = "the account security token; - reads standard input; default: ZAPI_CLIENT_TOKEN"  # noqa: S105


class Command(BaseCommand):
    help = "Connect instances, push their webhook URLs to Z-API and verify them."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        adding = commands.add_parser("add", help="connect an instance and push its webhook URL")
        adding.add_argument("--name", required=True)
        adding.add_argument(
            "--zapi-id", required=True, metavar="ID", help="the instance id at Z-API"
        )
        adding.add_argument("--token", help=TOKEN_HELP)
        adding.add_argument("--client-token", help=CLIENT_TOKEN_HELP)
        adding.add_argument("--tags", default="", help="comma-separated tags")
        adding.add_argument("--no-push", action="store_true", help="save only; do not push")
        _add_replace(adding)
        _add_json(adding)
        for name, words in (
            ("push", "set the webhook URLs at Z-API and verify them"),
            ("verify", "check which URLs Z-API calls"),
        ):
            command = commands.add_parser(name, help=words)
            which = command.add_mutually_exclusive_group(required=True)
            which.add_argument("instance", nargs="?", help="the id in Statusboard or at Z-API")
            which.add_argument("--all", action="store_true", help="all instances")
            which.add_argument("--tag", help="all instances with this tag")
            command.add_argument("--kind", choices=WebhookKind.values, help="only this webhook")
            if name == "push":
                _add_replace(command)
            _add_json(command)
        listing = commands.add_parser("list", help="list all instances and their webhooks")
        listing.add_argument("--tag", help="only instances with this tag")
        _add_json(listing)
        self._add_changes(commands)
        importing = commands.add_parser("import", help="connect instances from a file or a partner")
        importing.add_argument("file", nargs="?", help="CSV file; - reads standard input")
        importing.add_argument(
            "--partner", metavar="NAME", help="read the instances of this partner account"
        )
        importing.add_argument(
            "--partner-token", help="new partner token of the account; - reads standard input"
        )
        importing.add_argument("--client-token", help=CLIENT_TOKEN_HELP)
        importing.add_argument(
            "--dry-run", action="store_true", help="show the result without saving"
        )
        importing.add_argument("--push", action="store_true", help="push imported instances")
        _add_json(importing)

    def _add_changes(self, commands: Any) -> None:
        """Add the subcommands that change one instance."""

        def on_one(name: str, words: str) -> Any:
            command = commands.add_parser(name, help=words)
            command.add_argument("instance", help="the id in Statusboard or at Z-API")
            return command

        restoring = on_one("restore", "restore the URL that Z-API called before")
        restoring.add_argument(
            "--kind", choices=WebhookKind.values, default=WebhookKind.MESSAGE_STATUS.value
        )
        every = on_one(
            "take-every", "receive all webhooks, including inbound messages and presence"
        )
        every.add_argument(
            "--sent-by-me",
            action=BooleanOptionalAction,
            help="report messages sent by this number; default: leave unchanged",
        )
        every.add_argument(
            "--replace", action="store_true", help="replace the URLs of other systems"
        )
        every.add_argument(
            "--forward",
            action="store_true",
            help="with --replace: forward callbacks to the replaced URLs",
        )
        rotation = on_one("rotate", "replace the secret in the webhook URL, or the tokens")
        rotation.add_argument("--token", help="new token; - reads standard input")
        rotation.add_argument(
            "--client-token", help="new Client-Token of the account; - reads standard input"
        )
        retiring = on_one("retire", "disable webhook URLs with an older secret")
        retiring.add_argument("--now", action="store_true", help="do not wait for an hour")
        archiving = on_one("archive", "hide an instance, refuse its callbacks and stop checking it")
        archiving.add_argument(
            "--restore", action="store_true", help="restore the previous URLs first"
        )
        archiving.add_argument(
            "--force", action="store_true", help="do not restore the previous URLs"
        )
        on_one("unarchive", "restore an archived instance")
        deleting = on_one("delete", "delete an instance that has received no callbacks")
        deleting.add_argument(
            "--force", action="store_true", help="do not restore the previous URLs"
        )
        policy = on_one(
            "token-policy", "choose how to treat callbacks with a wrong or missing z-api-token"
        )
        policy.add_argument("policy", choices=TokenPolicy.values)
        policy.add_argument(
            "--force", action="store_true", help="even if callbacks would be refused"
        )
        tagging = on_one("tag", "set the tags")
        tagging.add_argument("tags", help='comma-separated tags; "" removes all')

    def handle(self, *, command: str, **options: Any) -> None:
        _CALLS[command](self, options)


def _add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="print only JSON to standard output")


def _add_replace(parser: Any) -> None:
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace the URL of another system; it can be restored",
    )
    parser.add_argument(
        "--forward",
        action="store_true",
        help="with --replace: forward callbacks to the replaced URL",
    )
