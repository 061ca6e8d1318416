"""Log lines without secrets, and limits so that no stranger can fill the disk with them."""

import json
import logging
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from .redaction import redact, redact_beginning

TEXT_FORMAT: Final = "{asctime} {levelname} [{request_id}] {name}: {message}"
_EVERY: Final = 60.0  # seconds between two lines of a SparseLogger


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line, so that arguments and tracebacks are covered too."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for log collectors. Redacted before it is encoded."""

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


_Kind = tuple[str, int]  # the logger and the status of the answer


@dataclass(slots=True)
class _Minute:
    """How many lines of one kind were written in a minute, and how many were left out."""

    number: int
    written: int = 0
    left_out: int = 0


class RefusalQuota(logging.Filter):
    """Limits the log lines per minute about each kind of refused request, and counts the rest.

    Anyone can cause such lines, so without a limit anyone could fill the disk. Each is short, even
    for a long URL, and has no traceback. Other lines are not limited, so a flood of refused
    requests does not hide them.
    """

    MAX_LENGTH = 300

    def __init__(self, per_minute: int) -> None:
        super().__init__()
        self._per_minute = per_minute
        self._lock = threading.Lock()
        # The size is limited by the number of loggers and statuses. It does not grow with the
        # number of requests.
        self._minutes: dict[_Kind, _Minute] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        minute = int(record.created // 60)
        self._report_left_out(minute)
        # Attached by Django and by the webhook endpoint to a line about an answer.
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

    def _report_left_out(self, number: int) -> None:
        """Log how many lines were left out in earlier minutes.

        Called for the first line of a new minute.
        """
        with self._lock:
            over = {kind: one for kind, one in self._minutes.items() if one.number != number}
            for kind in over:
                del self._minutes[kind]
        for (name, status), minute in over.items():
            if minute.left_out:
                text = "%d more lines of %s about answers with status %d were left out."
                logging.getLogger(__name__).warning(text, minute.left_out, name, status)


def _is_refusal(name: str, status: int) -> bool:
    """Whether a log line is about a response that any client can provoke.

    These are a 4xx, or Django's own 503.

    Django's line about a 503 counts too, because everybody gets a 503 while the database is
    unavailable. Our own lines about lost callbacks have the same status, but do not count.
    """
    return 400 <= status < 500 or (status == 503 and name.startswith("django."))


def _cut(text: str, length: int) -> str:
    shown = redact_beginning(text, length + 1)
    return shown if len(shown) <= length else f"{shown[:length]}…"


class SparseLogger:
    """Logs events that may happen thousands of times a second.

    Writes the first line of each kind at once, then one per minute with the number left out. Each
    process counts its own.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        # When a line was last written, and how many were left out since.
        self.last_written: dict[str, tuple[float, int]] = {}

    def log(self, kind: str, level: int, message: str, *args: object, **extra: Any) -> None:
        now = time.monotonic()
        with self._lock:
            at, left_out = self.last_written.get(kind, (-_EVERY, 0))
            is_due = now - at >= _EVERY
            self.last_written[kind] = (now, 0) if is_due else (at, left_out + 1)
        if not is_due:
            return
        if left_out:
            message, args = f"{message} (%d more since the last such line)", (*args, left_out)
        self._logger.log(level, message, *args, extra=extra)


def redact_python_output() -> None:
    """Turn warnings and uncaught exceptions into log lines, so that formatters redact them."""
    logging.captureWarnings(True)
    # Otherwise Python prints the arguments of a line that it cannot format.
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
