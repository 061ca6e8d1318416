import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.jobs.heartbeat import Heartbeat
from messages.jobs.schedule import all_jobs
from messages.jobs.scheduler import Job, run_due, work


class Command(BaseCommand):
    help = (
        "Does what comes due (forwards callbacks, retries pushes, cleans up) until stopped. Run as "
        "many as you like."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, then stop")
        parser.add_argument(
            "--only",
            metavar="JOB",
            help="do nothing else: --only drain on a machine that has only the webhook's door",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        jobs = _chosen(all_jobs(stop), options["only"])
        if options["once"]:
            run_due(jobs, now=0.0)
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        heart = Heartbeat(jobs, options["only"] or "")
        try:
            work([*jobs, heart.job()], stop)
        finally:
            heart.stop()


def _chosen(jobs: list[Job], only: str | None) -> list[Job]:
    if only is None:
        return jobs
    if chosen := [job for job in jobs if job.name == only]:
        return chosen
    names = ", ".join(job.name for job in jobs)
    raise CommandError(f"There is no job called {only}. There are: {names}.")
