"""Secrets and other settings, by the system checks of `manage.py check --deploy`."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, run_checks
from django.db import DEFAULT_DB_ALIAS, connection

from .findings import Finding, ok, problem, warning

_OF_SECRETS: Final = {
    *("statusboard.E003", "statusboard.E004", "statusboard.E005", "statusboard.E006"),
    *("statusboard.E009", "statusboard.E010", "statusboard.W007", "security.W009"),
}
# Checked by `files` and `dns`.
_ELSEWHERE: Final = {"statusboard.W001", "statusboard.W003"}


def secrets() -> Iterator[Finding]:
    found = [_finding(one) for one in _messages() if one.id in _OF_SECRETS]
    if _are_generated() and settings.IS_HTTPS and not settings.DEMO:
        found.append(
            warning(
                f"Statusboard generated the secrets and keeps them in {settings.DATA_DIR}/"
                "secrets.env. Back up this file, or move them to .env."
            )
        )
    yield from found
    connection.ensure_connection()  # the system checks skip a database that is down
    if not found:
        yield ok("The secrets are set, long and independent, and they decrypt the stored tokens.")


def settings_of_site() -> Iterator[Finding]:
    found = [one for one in _messages() if one.id not in _OF_SECRETS | _ELSEWHERE]
    yield from map(_finding, found)
    if not found:
        yield ok("manage.py check --deploy reports nothing.")


def _messages() -> list[CheckMessage]:
    found = run_checks(include_deployment_checks=True, databases=[DEFAULT_DB_ALIAS])
    return [one for one in found if not one.is_silenced()]


def _finding(message: CheckMessage) -> Finding:
    text = f"{message.msg} {message.hint or ''}".strip()
    return problem(text) if message.level >= ERROR else warning(text)


def _are_generated() -> bool:
    with suppress(OSError):
        return settings.SECRET_KEY in (settings.DATA_DIR / "secrets.env").read_text()
    return False
