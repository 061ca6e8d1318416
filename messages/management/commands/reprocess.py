"""Reprocesses quarantined callbacks, or rebuilds a period's messages."""

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from messages.accounts.audit import audit
from messages.ingest import Period, RebuildRefusedError, rebuild, replay
from messages.models import Action, Callback, Instance, KnownAddress


class Command(BaseCommand):
    help = (
        "Reprocesses rejected (quarantined) callbacks. With --rebuild, rebuilds the messages of a "
        "period from its stored callbacks. Both can be stopped at any time and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=_moment, help="received at or after this ISO 8601 time")
        parser.add_argument("--until", type=_moment, help="received before this ISO 8601 time")
        parser.add_argument(
            "--instance", help="only this instance (the id in Statusboard or at Z-API)"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--all-quarantined",
            action="store_true",
            help="all quarantined callbacks that match (default)",
        )
        what.add_argument(
            "--rebuild", action="store_true", help="rebuild messages from stored callbacks"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would change, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--strict",
            action="store_true",
            help="exit with an error if callbacks remain in quarantine",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        instances = _instances(options["instance"])
        work = self._rebuild if options["rebuild"] else self._replay
        try:
            work(instances, options)
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. Finished work is kept; run the command again to continue."
            ) from None

    def _replay(self, instances: QuerySet[Instance], options: dict[str, Any]) -> None:
        callbacks = Callback.objects.filter(instance__in=instances)
        if options["since"]:
            callbacks = callbacks.filter(received_at__gte=options["since"])
        if options["until"]:
            callbacks = callbacks.filter(received_at__lt=options["until"])
        result = replay(callbacks, dry_run=options["dry_run"], progress=self._progress)
        counts = dict(result.outcomes) | {"without body": result.without_body}
        self._audit(counts, options)
        self._say(counts, f"Reprocessed {result.tried} quarantined callbacks", options)
        if options["strict"] and result.left:
            raise CommandError(f"{result.left} callbacks remain in quarantine.")

    def _rebuild(self, instances: QuerySet[Instance], options: dict[str, Any]) -> None:
        if not options["since"]:
            raise CommandError("--rebuild needs --since.")
        period = Period(options["since"], options["until"] or timezone.now())
        try:
            result = rebuild(period, instances, dry_run=options["dry_run"], progress=self._progress)
        except RebuildRefusedError as refusal:
            raise CommandError(str(refusal)) from None
        if not options["dry_run"]:
            KnownAddress.objects.remember_all()
        counts = {"messages": result.messages, "callbacks": result.callbacks}
        self._audit(counts, options)
        self._say(counts, "Rebuilt", options)

    def _audit(self, counts: dict[str, int], options: dict[str, Any]) -> None:
        if not options["dry_run"]:
            audit(None, Action.REPLAYED, details={"command": "reprocess"} | counts)

    def _progress(self, done: int) -> None:
        # To stderr, because a program may read the result from stdout.
        self.stderr.write(f"{done} …")

    def _say(self, counts: dict[str, int], words: str, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(counts | {"dry_run": options["dry_run"]}))
            return
        listed = ", ".join(f"{number} {name}" for name, number in counts.items())
        dry = " (nothing was changed)" if options["dry_run"] else ""
        self.stdout.write(f"{words}: {listed}.{dry}")


def _moment(text: str) -> datetime:
    """Parse ISO 8601: UTC without an offset, midnight without a time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a time such as 2026-11-22T09:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _instances(name: str | None) -> QuerySet[Instance]:
    if name is None:
        return Instance.objects.all()
    found = Instance.objects.named(name)
    if not found:
        raise CommandError(f"No instance {name}.")
    return Instance.objects.filter(pk=found.pk)
