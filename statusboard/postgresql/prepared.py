"""Statements that each connection prepares once and then runs directly through libpq.

At every call psycopg's cursors look for placeholders, a dumper for each value and a loader for each
column. For a statement with thirty values that was half of the cost of a call.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from psycopg import errors, generators, pq
from psycopg.pq.abc import PGresult

from .base import DeadlineConnection

_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
_BINARY: Final = re.compile(r"%\((\w+)\)s::bytea")


class PreparedStatement:
    """SQL with %(name)s for each value, with a cast unless it is text.

    Values are sent as text, and a tuple as JSON. A value cast to bytea is sent as bytes. `name`
    must be unique among the statements of a connection.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name = name.encode()
        self._values = list(dict.fromkeys(_PLACEHOLDER.findall(text)))
        binary = set(_BINARY.findall(text))
        self._formats = [
            pq.Format.BINARY if value in binary else pq.Format.TEXT for value in self._values
        ]
        numbers = {value: f"${number}" for number, value in enumerate(self._values, 1)}
        numbered = _PLACEHOLDER.sub(lambda found: numbers[found[1]], text)
        self._text = numbered.replace("%%", "%").encode()

    def run(self, raw: DeadlineConnection, parameters: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Execute the statement and return the first row as text, or None."""
        if self._name not in raw.prepared:
            raw.pgconn.send_prepare(self._name, self._text)
            _result(raw)
            raw.prepared.add(self._name)
        given = [_encoded(parameters[name]) for name in self._values]
        raw.pgconn.send_query_prepared(self._name, given, self._formats)
        result = _result(raw)
        if not result.ntuples:
            return None
        return tuple((result.get_value(0, at) or b"").decode() for at in range(result.nfields))


def _encoded(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return (json.dumps(value) if isinstance(value, tuple) else str(value)).encode()


def _result(raw: DeadlineConnection) -> PGresult:
    result: PGresult = raw.wait(generators.execute(raw.pgconn))[-1]
    if result.status not in {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK}:
        raise errors.error_from_result(result)
    return result
