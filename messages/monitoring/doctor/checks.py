"""The list of checks, and running them with a time limit."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.db import Error, connection, connections
from django.utils.translation import gettext as _

from statusboard.databases import deadline
from statusboard.redaction import redact_beginning

from . import configuration, database, machine, public_url, services
from .findings import Finding, Level, problem

logger = logging.getLogger(__name__)

Check = Callable[[], Iterable[Finding]]
SECONDS: Final = 20.0
# For all checks of a page.
_PAGE_SECONDS: Final = 2.0
_MAX_TEXT: Final = 600


@dataclass(frozen=True, slots=True)
class Named:
    """A finding and the name of its check."""

    name: str
    level: Level
    text: str


# Fast, and without calls to other servers. Their texts are translated, because a page shows them.
LOCAL: Final[Mapping[str, Check]] = {
    "database": database.settings_of_database,
    "migrations": database.migrations,
    "disk": machine.disk,
    "files": machine.files,
    "worker": services.worker,
}


def all_checks(ca_file: str = "", recipient: str = "") -> dict[str, Check]:
    """All checks, in the order in which they are shown.

    `ca_file`: trusted certificates of PUBLIC_BASE_URL; '' for the usual ones. `recipient`: who gets
    a test e-mail; '' sends none.
    """
    return {
        "dns": public_url.dns,
        "certificate": partial(public_url.certificate, ca_file),
        "webhook": partial(public_url.webhook, ca_file),
        "clock": partial(public_url.clock, ca_file),
        **LOCAL,
        "secrets": configuration.secrets,
        "settings": configuration.settings_of_site,
        "zapi": services.zapi,
        "e-mail": partial(services.mail, recipient),
    }


def run(checks: Mapping[str, Check], seconds: float = SECONDS) -> list[Named]:
    """Run the checks side by side, each for at most `seconds`.

    Each has a thread, because some steps have no time limit of their own, such as DNS.
    """
    outcomes = {name: _start(check) for name, check in checks.items()}
    until = time.monotonic() + seconds
    return [
        Named(name, finding.level, redact_beginning(finding.text, _MAX_TEXT))
        for name, outcome in outcomes.items()
        for finding in _wait(outcome, until, seconds)
    ]


def run_local() -> list[Named]:
    """The fast checks, in this thread."""
    with deadline(_PAGE_SECONDS):
        return [
            Named(name, finding.level, redact_beginning(finding.text, _MAX_TEXT))
            for name, check in LOCAL.items()
            for finding in _findings(check)
        ]


def _start(check: Check) -> "Future[list[Finding]]":
    outcome: Future[list[Finding]] = Future()

    def work() -> None:
        try:
            found = _findings(check)
        finally:
            connections.close_all()
        outcome.set_result(found)

    threading.Thread(target=work, daemon=True).start()
    return outcome


def _wait(outcome: "Future[list[Finding]]", until: float, seconds: float) -> list[Finding]:
    try:
        return outcome.result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        return [problem(f"No result within {seconds:g} seconds: a server does not answer.")]


def _findings(check: Check) -> list[Finding]:
    """All findings. A check that fails has an error, and the others go on."""
    found: list[Finding] = []
    try:
        found.extend(check())
    except Error as error:
        logger.debug("The database failed a check: %s", error)
        if connection.connection and connection.is_usable():
            text = _(
                "The database refused a query. Run manage.py migrate, or check the user’s rights."
            )
        else:
            text = _("The database does not answer. Start it and check DATABASE_URL.")
        found.append(problem(text))
    except Exception as error:  # one broken check must not hide the results of the others
        name = type(error).__name__
        found.append(problem(_("This check failed: %(error)s.") % {"error": name}))
    return found
