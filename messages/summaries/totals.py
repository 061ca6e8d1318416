from collections.abc import Iterable

from django.db.models import Sum

from messages.models.functions import AsItComes


class _Total(AsItComes, Sum):
    pass


def totals(columns: Iterable[str]) -> dict[str, Sum]:
    """For annotate(): the sum of each column, under its own name."""
    return {name: _Total(name) for name in columns}
