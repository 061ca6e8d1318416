from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """The items in order, in lists of at most `size`."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
