"""Expressions, a lookup and conditions for queries, on both databases."""

import json
from collections.abc import Collection
from typing import Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    Aggregate,
    BigIntegerField,
    CharField,
    Field,
    Func,
    IntegerField,
    Lookup,
    Q,
    Subquery,
)
from django.db.models.sql.compiler import SQLCompiler

from messages.domain.addresses import CHANNEL_SUFFIX, LIST_SUFFIXES, STATUS_ADDRESS
from messages.domain.message_kinds import MessageKind
from messages.domain.statuses import Status


@CharField.register_lookup
class AnyOf(Lookup):
    """`field__any_of=[...]`: like `__in`, with all values in a single parameter.

    For thousands of values `__in` makes thousands of parameters, which takes longer than the query.
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


class SkipIntegerConversion:
    """For integer expressions: skips Django's conversion of integers to integers."""

    @property
    def convert_value(self) -> Any:
        return self._convert_value_noop  # type: ignore[attr-defined]  # unknown to the stubs


class Epoch(SkipIntegerConversion, Func):
    """Whole seconds since 1970. Loading them is ten times faster than loading timestamps."""

    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "floor(date_part('epoch', %(expressions)s))::int8"
        return self.as_sql(compiler, connection, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, **context)


class Sums(Aggregate):
    """The sums of several integer columns of one table, as a list; None for each without rows.

    For Django, building a query with a Sum for each of 27 columns takes longer than its execution.
    """

    output_field: "Field[Any, Any]" = Field()

    def __init__(self, first: str, *others: str, **extra: Any) -> None:
        super().__init__(first, **extra)
        self._others = others

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return f"ARRAY[{self._sums(compiler)}]", []

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return f"json_array({self._sums(compiler)})", []

    def _sums(self, compiler: Any) -> str:
        column, _ = compiler.compile(self.get_source_expressions()[0])
        table, _, first = column.rpartition(".")
        columns = (first, *map(compiler.quote_name_unless_alias, self._others))
        return ", ".join(f"SUM({table}.{name})" for name in columns)

    @property
    def convert_value(self) -> Any:
        return self._loaded

    @staticmethod
    def _loaded(value: Any, _expression: Any, _connection: Any) -> list[int | None]:
        sums: list[int | None] = json.loads(value) if isinstance(value, str) else value
        return sums


class CappedCount(Subquery):
    """The number of rows of a query; `most` + 1 if there are more than `most`."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()
    # For rows that Django knows to be none, without a query.
    empty_result_set_value = 0

    def __init__(self, rows: models.QuerySet[Any], most: int) -> None:
        super().__init__(rows.values("pk")[: most + 1])


class Unindexed(Func):
    """A column whose index SQLite must not use, because another index finds fewer rows.

    SQLite does not know how many rows a time range contains. PostgreSQL does and uses the plain
    column.
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
    """The messages that reached `status` or a later one.

    A failure implies no earlier step. A failed message reached only what was reported.
    """
    failed = Q(rank=Status.FAILED.rank)
    if status is Status.FAILED:
        return failed
    climbed = Q(rank__gte=status.rank)
    if status not in _BEFORE_FAILURE:
        return climbed
    return climbed & ~failed | failed & _BEFORE_FAILURE[status]


_SHARED = Q(is_group=True)
_STATUS = Q(phone=STATUS_ADDRESS)
_LIST = Q(*(Q(phone__endswith=suffix) for suffix in LIST_SUFFIXES), _connector=Q.OR) & ~_STATUS
_CHANNEL = Q(phone__endswith=CHANNEL_SUFFIX)
_KINDS = {
    MessageKind.INDIVIDUAL: ~_SHARED,
    MessageKind.GROUP: _SHARED & ~_LIST & ~_CHANNEL & ~_STATUS,
    MessageKind.LIST: _SHARED & _LIST,
    MessageKind.CHANNEL: _SHARED & _CHANNEL,
    MessageKind.STATUS: _STATUS,
}


def of_kinds(kinds: Collection[MessageKind]) -> Q:
    """The messages of one of these kinds, by the rule of message_kind()."""
    if MessageKind.INDIVIDUAL in kinds:
        # Nearly all messages are of this kind, so excluding the others is faster.
        return Q(*(~_KINDS[kind] for kind in MessageKind if kind not in kinds))
    return Q(*(_KINDS[kind] for kind in kinds), _connector=Q.OR)


# The digits at the end of a Brazilian mobile number that all its forms share.
LAST_DIGITS: Final = 8


class LastDigits(models.Func):
    """The last digits of a number, as in an index.

    Django's Right() sends the length as a parameter, which prevents the use of an index.
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
