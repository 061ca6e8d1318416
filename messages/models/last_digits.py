from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from messages.phones import LAST_DIGITS


class LastDigits(models.Func):
    """What all writings of a Brazilian mobile number end with.

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
