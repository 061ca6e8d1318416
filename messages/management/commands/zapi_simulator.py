import argparse
import contextlib
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.simulator.certificate import make_context
from messages.simulator.emitter import Emitter, Plan
from messages.simulator.gateway import CONTROL_PATH, Gateway
from messages.simulator.responses import NAMES, OK
from messages.simulator.scenarios import CASES
from messages.simulator.server import Server

EPILOG = f"""
To make Statusboard use the simulator, set ZAPI_BASE_URL=http://127.0.0.1:4010 (and, with
--https, ZAPI_CA_FILE=<the certificate's file>). To change the answer while it runs:
  curl -X PUT -d '{{"name": "too-many"}}' http://127.0.0.1:4010{CONTROL_PATH}
The names are those of --answer.
"""


class Command(BaseCommand):
    help = "Simulates Z-API: answers its calls over HTTP and, with --emit, sends callbacks."
    # It simulates another company's server: it needs neither the database nor the checks.
    requires_system_checks = ()
    requires_migrations_checks = False

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(*args, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=4010, help="0 takes a free port")
        parser.add_argument("--https", action="store_true", help="use a self-signed certificate")
        parser.add_argument(
            "--certificate",
            type=Path,
            metavar="FILE",
            help="where to write the certificate, for ZAPI_CA_FILE",
        )
        parser.add_argument(
            "--take-http",
            action="store_true",
            help="accept http webhook URLs, which Z-API never does",
        )
        parser.add_argument(
            "--client-token", default="", help="require this Client-Token in every call"
        )
        parser.add_argument(
            "--instance",
            action="append",
            default=[],
            metavar="ID:TOKEN",
            help="accept only this instance (repeatable); default: any id with any token",
        )
        parser.add_argument(
            "--case",
            action="append",
            default=[],
            metavar="ID:CASE",
            help=f"what this instance shows: {', '.join(CASES)} (repeatable)",
        )
        parser.add_argument(
            "--answer", choices=NAMES, default=OK, help="give this answer to every call (ok)"
        )
        self._add_emission_arguments(parser.add_argument_group("callbacks"))

    def _add_emission_arguments(self, group: Any) -> None:
        group.add_argument(
            "--emit", action="store_true", help="send callbacks to the registered URLs"
        )
        group.add_argument(
            "--rate", type=float, default=2.0, help="messages per second and instance (2)"
        )
        group.add_argument(
            "--count", type=int, default=0, help="messages per instance; 0 for no limit"
        )
        group.add_argument(
            "--history",
            type=int,
            default=0,
            help="first report this many messages of the last 24 hours (0)",
        )
        group.add_argument(
            "--seed",
            type=int,
            default=int(time.time()),
            help="the same seed gives the same messages",
        )
        group.add_argument(
            "--deliver-to",
            default="",
            metavar="BASE_URL",
            help="replace the scheme and host of the registered URLs",
        )

    def handle(self, **options: Any) -> None:
        gateway = Gateway(
            _pairs(options["instance"], "--instance takes ID:TOKEN."),
            options["client_token"],
            accepts_http=options["take_http"],
            cases=_cases(options["case"]),
        )
        gateway.answer_name = options["answer"]
        server = self._listen(gateway, options)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.stdout.write(f"The Z-API simulator listens at {server.url}")
        self.stdout.flush()
        if options["emit"]:
            Emitter(gateway, _plan(options), self._report_problem).run(stop)
        else:
            stop.wait()
        server.shutdown()
        server.server_close()

    def _listen(self, gateway: Gateway, options: dict[str, Any]) -> Server:
        context = None
        if options["https"]:
            file = options["certificate"] or Path(tempfile.mkdtemp(), "simulator.pem")
            context = make_context(file)
            self.stdout.write(f"Certificate: {file}")
        try:
            return Server(gateway, (options["host"], options["port"]), context)
        except OSError as error:
            where = f"{options['host']}:{options['port']}"
            raise CommandError(f"Cannot listen on {where}: {error.strerror}.") from None

    def _report_problem(self, words: str) -> None:
        with contextlib.suppress(OSError):  # the client may have disconnected
            self.stderr.write(words)


def _pairs(texts: list[str], problem: str) -> dict[str, str]:
    if not all(":" in text for text in texts):
        raise CommandError(problem)
    return dict(text.split(":", 1) for text in texts)


def _cases(texts: list[str]) -> dict[str, str]:
    cases = _pairs(texts, "--case takes ID:CASE.")
    if unknown := set(cases.values()) - set(CASES):
        raise CommandError(f"Unknown case: {', '.join(sorted(unknown))}.")
    return cases


def _plan(options: dict[str, Any]) -> Plan:
    if options["rate"] <= 0:
        raise CommandError("--rate must be more than 0.")
    return Plan(**{name: options[name] for name in Plan.__slots__})
