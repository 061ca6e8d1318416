"""How granian writes lines of its own: as LOG_FORMAT says, and without secrets.

Its main process never loads Django, so the settings do not reach it: `granian --log-config
statusboard/granian_log.json` does.
"""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import environ

from statusboard.logs import TEXT_FORMAT, JsonFormatter, RedactingFormatter


class _Environment(environ.Env):  # type: ignore[misc]
    """A copy. What the main process took over from .env, its children could not read anew."""

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
    """Granian advises fewer threads at each start. Ours wait for the database, not for a CPU."""
    return "Python threads, which seems quite high" not in str(record.msg)


def _forget_this_package() -> None:
    """Children inherit what the main process has loaded, and a reload must load the new code."""
    for name in [name for name in sys.modules if name.partition(".")[0] == __package__]:
        del sys.modules[name]
