import argparse
import contextlib
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messages.simulator.answers import NAMES, OK
from messages.simulator.certificate import make_context
from messages.simulator.emitter import Emitter, Plan
from messages.simulator.gateway import CONTROL_PATH, Gateway
from messages.simulator.server import Server

EPILOG = f"""
Point the board at it with ZAPI_BASE_URL=http://127.0.0.1:4010 (and, with --https,
ZAPI_CA_FILE=<the certificate's file>). While it runs,
`curl -X PUT -d '{{"name": "too-many"}}' http://127.0.0.1:4010{CONTROL_PATH}`
changes what it answers with; the names are those of --answer.
"""


class Command(BaseCommand):
    help = "A stand-in for Z-API: answers its calls over HTTP and, with --emit, sends callbacks."
    # It stands for a stranger: it shares neither the board's database nor its checks.
    requires_system_checks = ()
    requires_migrations_checks = False

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(*args, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=4010, help="0 takes a free one")
        parser.add_argument("--https", action="store_true", help="with a self-signed certificate")
        parser.add_argument(
            "--certificate", type=Path, metavar="FILE", help="where to write it, for ZAPI_CA_FILE"
        )
        parser.add_argument(
            "--take-http", action="store_true", help="let webhooks be http, which Z-API never does"
        )
        parser.add_argument("--client-token", default="", help="ask every call for this one")
        parser.add_argument(
            "--instance",
            action="append",
            default=[],
            metavar="ID:TOKEN",
            help="know only this instance (repeatable); without it, any id with any token",
        )
        parser.add_argument("--answer", choices=NAMES, default=OK, help="to every call")
        self._add_emission_arguments(parser.add_argument_group("callbacks"))

    def _add_emission_arguments(self, group: Any) -> None:
        group.add_argument("--emit", action="store_true", help="send to the URLs registered")
        group.add_argument("--rate", type=float, default=2.0, help="a second and instance (2)")
        group.add_argument("--count", type=int, default=0, help="per instance; 0 for no end")
        group.add_argument(
            "--history", type=int, default=0, help="messages of the last 24 hours to tell first"
        )
        group.add_argument(
            "--seed", type=int, default=int(time.time()), help="the same seed, the same stories"
        )
        group.add_argument(
            "--deliver-to",
            default="",
            metavar="BASE_URL",
            help="instead of the scheme and host that were registered",
        )

    def handle(self, **options: Any) -> None:
        gateway = Gateway(
            _known(options["instance"]), options["client_token"], takes_http=options["take_http"]
        )
        gateway.answer_name = options["answer"]
        server = self._listen(gateway, options)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.stdout.write(f"The stand-in for Z-API answers at {server.url}")
        self.stdout.flush()
        if options["emit"]:
            Emitter(gateway, _plan(options), self._complain).run(stop)
        else:
            stop.wait()
        server.shutdown()
        server.server_close()

    def _listen(self, gateway: Gateway, options: dict[str, Any]) -> Server:
        context = None
        if options["https"]:
            file = options["certificate"] or Path(tempfile.mkdtemp(), "stand-in.pem")
            context = make_context(file)
            self.stdout.write(f"Its certificate: {file}")
        try:
            return Server(gateway, (options["host"], options["port"]), context)
        except OSError as error:
            where = f"{options['host']}:{options['port']}"
            raise CommandError(f"Cannot listen on {where}: {error.strerror}.") from None

    def _complain(self, words: str) -> None:
        with contextlib.suppress(OSError):  # whoever read it may be gone
            self.stderr.write(words)


def _known(pairs: list[str]) -> dict[str, str]:
    if not all(":" in pair for pair in pairs):
        raise CommandError("--instance takes ID:TOKEN.")
    return dict(pair.split(":", 1) for pair in pairs)


def _plan(options: dict[str, Any]) -> Plan:
    if options["rate"] <= 0:
        raise CommandError("--rate must be more than 0.")
    return Plan(**{name: options[name] for name in Plan.__slots__})
