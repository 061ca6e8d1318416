from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """All of them, in their order, at most `size` at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
