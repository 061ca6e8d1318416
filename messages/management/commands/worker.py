import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.jobs.heartbeat import Heartbeat
from messages.jobs.schedule import all_jobs
from messages.jobs.scheduler import Job, run_due, work


class Command(BaseCommand):
    help = (
        "Runs background jobs (forwarding, pushes, alerts, clean-up) until stopped. Several "
        "workers can run side by side."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="run the jobs that are due, then exit"
        )
        parser.add_argument(
            "--only",
            metavar="JOB",
            help="run this job only, e.g. --only drain on a server that only receives callbacks",
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
    raise CommandError(f"No job {only}. Jobs: {names}.")
