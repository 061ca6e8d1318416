from typing import Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

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
