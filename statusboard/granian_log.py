"""The log of granian itself: in LOG_FORMAT and without secrets.

Granian's main process does not load Django, so the settings do not apply to it.
`granian --log-config statusboard/granian_log.json` uses this module.
"""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import environ

from statusboard.logs import TEXT_FORMAT, JsonFormatter, RedactingFormatter


class _Environment(environ.Env):  # type: ignore[misc]
    """Read .env into a copy of os.environ.

    Otherwise child processes would inherit the old values after .env was changed.
    """

    ENVIRON = dict(os.environ)


def formatter() -> logging.Formatter:
    _forget_this_package()
    _Environment.read_env(Path(__file__).parents[1] / ".env")
    if _Environment.ENVIRON.get("LOG_FORMAT") == "json":
        return JsonFormatter()
    return RedactingFormatter(TEXT_FORMAT, style="{", defaults={"request_id": "-"})


def without_advice() -> Callable[[logging.LogRecord], bool]:
    _forget_this_package()
    return _is_no_advice


def _is_no_advice(record: logging.LogRecord) -> bool:
    """Granian warns about many threads. Ours wait for the database and not for a CPU."""
    return "Python threads, which seems quite high" not in str(record.msg)


def _forget_this_package() -> None:
    """Child processes inherit loaded modules, but a reload must load the new code."""
    for name in [name for name in sys.modules if name.partition(".")[0] == __package__]:
        del sys.modules[name]
