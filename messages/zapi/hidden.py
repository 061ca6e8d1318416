from typing import Generic, TypeVar

_T = TypeVar("_T")


class Hidden(Generic[_T]):
    """A secret on its way into a call: who reports the variables of a frame reports no token."""

    __slots__ = ("_value",)

    def __init__(self, value: _T) -> None:
        self._value = value

    def reveal(self) -> _T:
        return self._value

    def __repr__(self) -> str:
        return "[hidden]"
