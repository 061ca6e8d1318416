from typing import Any

from django.db.models import BigIntegerField, Func

from .as_it_comes import AsItComes


class Epoch(AsItComes, Func):
    """Whole seconds since 1970: cut as pages show times, and read ten times faster than a time."""

    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "floor(date_part('epoch', %(expressions)s))::int8"
        return self.as_sql(compiler, connection, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context["template"] = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, **context)
