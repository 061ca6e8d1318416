"""Fill the database with generated messages, to test how Statusboard performs with many."""

import time
from argparse import ArgumentTypeError
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from messages.management.history import History
from messages.management.history_rows import last_id, store
from messages.models import Account, Instance

PREFIX: Final = "history."


class Command(BaseCommand):
    help = (
        "Adds generated messages and events, without raw callbacks. For testing only: they look "
        "like real messages except for their instances."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--messages", type=_positive, required=True, help="number of messages")
        parser.add_argument("--days", type=_positive, default=60, help="days of history (60)")
        parser.add_argument(
            "--instances", type=_positive, default=12, help="number of instances (12)"
        )
        parser.add_argument("--seed", default="1", help="the same seed gives the same history")
        parser.add_argument(
            "--force", action="store_true", help="run even if there are real instances"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        real = Instance.objects.exclude(zapi_id__startswith=PREFIX)
        if real.exists() and not options["force"]:
            raise CommandError(
                "This database has real instances. Generated messages would distort their figures. "
                "Use an empty database, or --force."
            )
        began = time.monotonic()
        history = History(
            messages=options["messages"],
            days=options["days"],
            instances=[one.pk for one in _instances(options["instances"])],
            # The seed includes the last id, so that a second run generates different messages.
            seed=f"{options['seed']} {last_id()}",
            now=timezone.now().timestamp(),
        )
        messages, events = store(history, self._say)
        took = time.monotonic() - began
        self.stdout.write(f"{messages:,} messages and {events:,} events in {took:.0f} s.")

    def _say(self, words: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{words}    ", ending="")


def _positive(text: str) -> int:
    number = int(text.replace(",", "").replace("_", ""))
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def _instances(count: int) -> list[Instance]:
    account, _ = Account.objects.get_or_create(name="History")
    return [
        Instance.objects.get_or_create(
            zapi_id=f"{PREFIX}{number}", defaults={"account": account, "name": f"Loja {number}"}
        )[0]
        for number in range(1, count + 1)
    ]
