from dataclasses import dataclass

from messages.accounts.masking import masked
from messages.domain import addresses
from messages.domain.addresses import AddressKind


@dataclass(frozen=True, slots=True)
class Address:
    """An address for the tag `{% address %}`, the only place where a number becomes text."""

    value: str

    @property
    def kind(self) -> AddressKind:
        return addresses.kind_of(self.value)

    def words(self, *, whole: bool) -> str:
        """Formatted as people write it, or masked."""
        return addresses.display(self.value) if whole else masked(self.value)
