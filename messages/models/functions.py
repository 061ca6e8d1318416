"""Expressions, a lookup and conditions for queries, on both databases."""

import json
from typing import Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, CharField, Func, Lookup, Q
from django.db.models.sql.compiler import SQLCompiler

from messages.domain.statuses import Status


@CharField.register_lookup
class AnyOf(Lookup):
    """`field__any_of=[...]`: as `__in`, with all values in a single parameter.

    Of thousands of values `__in` makes thousands of parameters, and preparing those takes longer
    than the query.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*parameters, list(self.rhs)]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        values = json.dumps(list(self.rhs))
        return f"{column} IN (SELECT value FROM json_each(%s))", [*parameters, values]  # noqa: S608


class AsItComes:
    """For expressions of whole numbers: Django makes an int of every int that a database gives."""

    @property
    def convert_value(self) -> Any:
        return self._convert_value_noop  # type: ignore[attr-defined]  # unknown to the stubs


class Epoch(AsItComes, Func):
    """Whole seconds since 1970: cut as pages show times, and read ten times faster than a time."""

    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "floor(date_part('epoch', %(expressions)s))::int8"
        return self.as_sql(compiler, connection, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, **context)


class Unindexed(Func):
    """A column that SQLite is to look at row by row, because another one's index finds fewer.

    SQLite does not know how many rows a time leaves; PostgreSQL does, and gets the column as it is.
    """

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


_BEFORE_FAILURE = {
    Status.DISPATCHED: Q(dispatched_at__isnull=False) | Q(sent_at__isnull=False),
    Status.SENT: Q(sent_at__isnull=False),
}


def reached(status: Status) -> Q:
    """The messages that came as far as `status`, or further.

    A failure implies nothing: of a failed message only what was reported was reached.
    """
    failed = Q(rank=Status.FAILED.rank)
    if status is Status.FAILED:
        return failed
    climbed = Q(rank__gte=status.rank)
    if status not in _BEFORE_FAILURE:
        return climbed
    return climbed & ~failed | failed & _BEFORE_FAILURE[status]


# Of a Brazilian mobile number, with which all its writings end.
LAST_DIGITS: Final = 8


class LastDigits(models.Func):
    """How a number ends, as an index has it.

    Django's own Right() sends its length as a parameter, by which no index is found.
    """

    function = "RIGHT"
    arity = 1
    output_field = models.CharField()
    template = f"%(function)s(%(expressions)s, {LAST_DIGITS})"

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        from_the_end = f"SUBSTR(%(expressions)s, -{LAST_DIGITS})"
        return self.as_sql(compiler, connection, template=from_the_end, **context)
