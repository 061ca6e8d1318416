from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from messages.accounts.api_keys import issue, labels_by_default, revoke
from messages.models import Account, ApiKey, Instance, KeyRole


class Command(BaseCommand):
    help = "Create, list and revoke API keys."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        create = commands.add_parser(
            "create",
            help="print a new key. It is shown once; only its hash is stored. "
            "By default keys can read; all roles except support can also label messages.",
        )
        create.add_argument(
            "--name", required=True, help="a name for people, e.g. the system that uses it"
        )
        create.add_argument("--role", required=True, choices=KeyRole.values)
        labels = create.add_mutually_exclusive_group()
        labels.add_argument(
            "--labels", action="store_true", help="let a support key label messages"
        )
        labels.add_argument(
            "--read-only", action="store_true", help="do not let the key label messages"
        )
        create.add_argument(
            "--no-read", action="store_true", help="let the key only label messages"
        )
        create.add_argument(
            "--instance",
            action="append",
            default=[],
            metavar="ID",
            help="limit the key to this instance (id in Statusboard or at Z-API); repeatable",
        )
        create.add_argument(
            "--account",
            action="append",
            default=[],
            metavar="NAME",
            help="limit the key to the instances of this account; repeatable",
        )
        create.add_argument("--expires", type=int, metavar="DAYS", help="default: never")
        commands.add_parser(
            "list", help="list all keys, what they can do and when they were last used"
        )
        revoking = commands.add_parser("revoke", help="revoke a key permanently")
        revoking.add_argument("key", help="the start of the key, as shown by `list`")

    def handle(self, *, command: str, **options: Any) -> None:
        {"create": self._create, "list": self._list, "revoke": self._revoke}[command](options)

    def _create(self, options: dict[str, Any]) -> None:
        may_label = options["labels"] or labels_by_default(options["role"])
        may_label &= not options["read_only"]
        if options["no_read"] and not may_label:
            raise CommandError("The key must be able to read or to label messages.")
        key = ApiKey(
            name=_name(options["name"]),
            role=options["role"],
            may_read=not options["no_read"],
            may_label=may_label,
            expires_at=_expiry(options["expires"]),
        )
        text = issue(
            key,
            accounts=_accounts(options["account"]),
            instances=_instances(options["instance"]),
            by=None,
        )
        self.stderr.write("Copy the key now: it is not shown again.")
        self.stdout.write(text)

    def _list(self, options: dict[str, Any]) -> None:
        for key in ApiKey.objects.all():
            self.stdout.write(f"{key.prefix}  {key.name}  {key.role}  {_scope(key)}  {_state(key)}")

    def _revoke(self, options: dict[str, Any]) -> None:
        # Also accept a complete key, because a person who finds a leaked key may not know
        # its prefix.
        prefix = "_".join(options["key"].split("_")[:2])
        key = ApiKey.objects.filter(prefix=prefix).first()
        if key is None:
            raise CommandError(f"No key starts with {prefix}. See `apikeys list`.")
        revoke(key, by=None)
        self.stderr.write(f"{key.name} ({prefix}) is revoked.")


def _name(text: str) -> str:
    name, longest = text.strip(), ApiKey._meta.get_field("name").max_length or 0
    if not 0 < len(name) <= longest:
        raise CommandError(f"The name must have 1 to {longest} characters.")
    return name


def _expiry(days: int | None) -> datetime | None:
    if days is None:
        return None
    if not 0 < days <= 3650:
        raise CommandError("--expires must be between 1 and 3650 days.")
    return timezone.now() + timedelta(days=days)


def _instances(names: list[str]) -> list[Instance]:
    return [_instance(name) for name in dict.fromkeys(names)]


def _instance(name: str) -> Instance:
    instance = Instance.objects.named(name)
    if instance is None:
        raise CommandError(f"Instance {name} not found. See `instances list`.")
    return instance


def _accounts(names: list[str]) -> list[Account]:
    """Find the accounts; refuse a name that two accounts share."""
    accounts = []
    for name in dict.fromkeys(names):
        found = list(Account.objects.filter(name=name)[:2])
        if len(found) != 1:
            raise CommandError(f"Account {name} {'is ambiguous' if found else 'not found'}.")
        accounts += found
    return accounts


def _scope(key: ApiKey) -> str:
    scopes = {"reads": key.may_read, "labels": key.may_label}
    return " and ".join(name for name, is_given in scopes.items() if is_given)


def _state(key: ApiKey) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if not key.is_usable(timezone.now()):
        return f"expired {key.expires_at:%Y-%m-%d}"
    used = f"{key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never"
    return f"last used {used}"
