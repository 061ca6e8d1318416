import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from messages.domain.causes import plain_cause_text
from messages.ingest import spool


class Command(BaseCommand):
    help = (
        "Shows this server's offline buffer (spool): callbacks waiting for the database, and "
        "callbacks rejected by it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--retry", action="store_true", help="retry rejected callbacks")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retry"]:
            self.stdout.write(f"{spool.retry_refused()} callbacks are waiting again.")
        state = spool.state()
        if state.problem:
            raise CommandError(f"Cannot read the spool: {state.problem}")
        if options["json"]:
            self.stdout.write(json.dumps(asdict(state), cls=DjangoJSONEncoder))
            return
        since = f" (the oldest since {state.oldest:%Y-%m-%d %H:%M:%S} UTC)" if state.oldest else ""
        self.stdout.write(f"{state.waiting} waiting{since}, {state.refused} rejected.")
        for zapi_id, used in spool.full().items():
            self.stdout.write(f"  {zapi_id} has used up its share: {used.callbacks} callbacks.")
        for row in spool.refused()[:50] if state.refused else ():
            self.stdout.write(f"  {row}: {plain_cause_text(row.cause, row.cause_values)}")
