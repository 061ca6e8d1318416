from dataclasses import dataclass

from messages.accounts.masking import masked
from messages.domain import addresses
from messages.domain.addresses import AddressKind


@dataclass(frozen=True, slots=True)
class Address:
    """An address as `{% address %}` shows it: the one place where a number becomes text."""

    value: str

    @property
    def kind(self) -> AddressKind:
        return addresses.kind_of(self.value)

    def words(self, *, whole: bool) -> str:
        """As a person writes it, or `masked` for those who may not see it whole."""
        return addresses.display(self.value) if whole else masked(self.value)
