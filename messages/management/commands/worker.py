import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from messages.worker.jobs import all_jobs
from messages.worker.loop import run_due, work


class Command(BaseCommand):
    help = "Does what comes due (retries pushes, cleans up) until stopped. Run as many as you like."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            run_due(all_jobs(), now=0.0)
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        work(all_jobs(), stop)
