from typing import Any

from django.db.models import Func


class Unindexed(Func):
    """A column that SQLite is to look at row by row, because another one's index finds fewer.

    SQLite does not know how many rows a time leaves; PostgreSQL does, and gets the column as it is.
    """

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)
