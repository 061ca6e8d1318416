from dataclasses import dataclass

from messages import phones
from messages.phones import AddressKind


@dataclass(frozen=True, slots=True)
class Address:
    """An address as `{% address %}` shows it."""

    value: str

    @property
    def kind(self) -> AddressKind:
        return phones.kind_of(self.value)

    @property
    def words(self) -> str:
        return phones.display(self.value)
