"""`make run`: everything that one server needs, starting from an empty folder."""

import socket
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection
from django.utils.crypto import get_random_string

from messages.accounts.audit import audit
from messages.accounts.people import describe_access
from messages.jobs.processes import ProcessGroup, python
from messages.management.demo import connect_demo, start_demo
from messages.models import Action
from messages.models.spooled_callback import SpoolRouter
from messages.monitoring import delete_old_metric_files

ADMIN = "admin"


class Command(BaseCommand):
    help = (
        "Prepares the database, creates the first admin, and runs the web server and a worker "
        "until Ctrl-C. Reads HOST, PORT, DATABASE_URL and DATA_DIR from the environment."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo",
            action="store_true",
            help="also run a Z-API simulator with connected instances that sends callbacks",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._require_free_port()
        self._require_database()
        for database in (DEFAULT_DB_ALIAS, SpoolRouter.alias):
            call_command("migrate", database=database, interactive=False, verbosity=0)
        self.check(databases=[DEFAULT_DB_ALIAS])
        call_command("collectstatic", interactive=False, verbosity=0)
        delete_old_metric_files()
        with ProcessGroup() as processes:
            if options["demo"]:
                start_demo(processes)
            processes.start("web", web_server(), essential=True)
            processes.wait_for_port(settings.HOST, settings.PORT)
            if options["demo"]:
                connect_demo()
            processes.start("worker", python("manage.py", "worker"))
            self._greet()
            processes.run_until_stopped()

    def _require_free_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.HOST, settings.PORT))
            except OSError as error:
                raise CommandError(
                    f"Cannot listen on {settings.HOST}:{settings.PORT} ({error.strerror}). "
                    "If another program uses the port, choose another: PORT=8001 make run"
                ) from None

    def _require_database(self) -> None:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(
                f"Cannot reach the database: {str(error).strip()}. Check that it is running, "
                "that the database exists, and that DATABASE_URL is correct."
            ) from None

    def _greet(self) -> None:
        address = settings.PUBLIC_BASE_URL or settings.LOCAL_BASE_URL
        self.stdout.write(self.style.SUCCESS(f"\nStatusboard is running: {address}"))
        if password := create_first_admin():
            self.stdout.write(f"Sign in as {ADMIN} with the password {password}")
            self.stdout.write("Copy it now: it is not shown again.")
        if not settings.PUBLIC_BASE_URL:
            self.stdout.write(
                self.style.WARNING(
                    "PUBLIC_BASE_URL is not set, so webhooks are not pushed to Z-API; you can copy "
                    "their URLs. Set it to the https URL at which Z-API reaches Statusboard."
                )
            )
        self.stdout.write("Press Ctrl-C to stop.\n")


def create_first_admin() -> str | None:
    """Create an admin if there is no superuser, and return the generated password."""
    users = get_user_model()
    if users.objects.filter(is_superuser=True).exists():
        return None
    password = get_random_string(16)
    user = users.objects.create_superuser(ADMIN, email="", password=password)
    audit(None, Action.USER_CHANGED, details={"added": True} | describe_access(user))
    return password


def web_server() -> list[str]:
    return python(
        *("-m", "granian", "--interface", "wsgi", "--host", settings.HOST),
        *("--port", str(settings.PORT), "--workers", str(settings.WEB_WORKERS)),
        *("--blocking-threads", str(settings.WEB_THREADS)),
        *("--respawn-failed-workers", "--no-ws", "--log-level", "warning"),
        *("--log-config", "statusboard/granian_log.json"),
        # On reload an old process answers for 10 seconds while a new one starts. It then has
        # 8 seconds to finish its requests, so that a slow download does not delay the reload.
        *("--respawn-interval", "10", "--workers-kill-timeout", "8"),
        "statusboard.wsgi:application",
    )
