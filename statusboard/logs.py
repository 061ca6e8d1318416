"""What the processes write: no secret in it, and no stranger can fill the disk with it."""

import json
import logging
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

from .redaction import redact, redact_beginning

TEXT_FORMAT: Final = "{asctime} {levelname} [{request_id}] {name}: {message}"


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line, for programs that collect logs. Redacted before it is made JSON of."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
            "request_id": getattr(record, "request_id", "-"),
            "process": record.process,
        }
        if status := getattr(record, "status_code", None):
            line["status"] = status
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = redact(self.formatStack(record.stack_info))
        return json.dumps(line, ensure_ascii=False)


_Kind = tuple[str, int]  # which logger, and which status was answered


@dataclass(slots=True)
class _Minute:
    """What was written of one kind in a minute, and what was not."""

    number: int
    written: int = 0
    left_out: int = 0


class RefusalQuota(logging.Filter):
    """Lets through so many lines a minute of each kind of refused requests, and counts the rest.

    Anyone can cause such a line, so without a limit anyone could fill the disk with them. Each is
    one short line, whatever address was asked for, and without a traceback: where our code refused
    somebody helps nobody. No other line counts, so a flood of refusals hides none.
    """

    MAX_LENGTH = 300

    def __init__(self, per_minute: int) -> None:
        super().__init__()
        self._per_minute = per_minute
        self._lock = threading.Lock()
        # As many as there are loggers and statuses, which no request adds to.
        self._minutes: dict[_Kind, _Minute] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        minute = int(record.created // 60)
        self._tell_of_left_out(minute)
        # What Django, and the webhook, attach to a line that is about an answer.
        status = getattr(record, "status_code", 0)
        if not _is_refusal(record.name, status):
            return True
        with self._lock:
            if not self._has_room((record.name, status), minute):
                return False
        if status < 500:
            record.exc_info = record.exc_text = None
            record.msg, record.args = _cut(record.getMessage(), self.MAX_LENGTH), ()
        return True

    def _has_room(self, kind: _Kind, number: int) -> bool:
        minute = self._minutes.setdefault(kind, _Minute(number))
        if minute.written >= self._per_minute:
            minute.left_out += 1
            return False
        minute.written += 1
        return True

    def _tell_of_left_out(self, number: int) -> None:
        """Whichever line comes first in a new minute tells of the minute before."""
        with self._lock:
            over = {kind: one for kind, one in self._minutes.items() if one.number != number}
            for kind in over:
                del self._minutes[kind]
        for (name, status), minute in over.items():
            if minute.left_out:
                words = "%d more lines of %s about answers with status %d were left out."
                logging.getLogger(__name__).warning(words, minute.left_out, name, status)


def _is_refusal(name: str, status: int) -> bool:
    """Whether a line is about an answer that anyone can cause.

    Django's line about a 503 is one: everybody gets it while the database is away. Our own lines
    about lost callbacks, which have that status too, are none.
    """
    return 400 <= status < 500 or (status == 503 and name.startswith("django."))


def _cut(text: str, length: int) -> str:
    shown = redact_beginning(text, length + 1)
    return shown if len(shown) <= length else f"{shown[:length]}…"


def redact_what_python_writes() -> None:
    """Warnings and uncaught exceptions go past every formatter unless they are made log lines."""
    logging.captureWarnings(True)
    # Where a line cannot be formatted, Python would print its arguments as they are.
    logging.raiseExceptions = False
    if logging.lastResort:
        logging.lastResort.setFormatter(RedactingFormatter())
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("Stopped by an error.", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value:
        _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)
