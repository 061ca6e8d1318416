"""Holds as pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from messages.accounts.encrypted_addresses import encrypt_address
from messages.accounts.masking import as_seen_by
from messages.accounts.scope import Viewer, is_limited
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, moment
from messages.models import Hold
from messages.privacy import names_of

# Who may erase may also forbid it.
MAY_HOLD: Final = "whatsapp.add_erasure"


@dataclass(frozen=True, slots=True)
class HoldRow:
    hold: Hold

    @property
    def since(self) -> Moment:
        return Moment(self.hold.placed_at)

    @property
    def released(self) -> Moment | None:
        return moment(self.hold.released_at)

    @property
    def addresses(self) -> list[Address]:
        return [Address(name) for name in names_of(self.hold)]


def hold_rows(holds: Iterable[Hold], user: Viewer) -> list[HoldRow]:
    return [HoldRow(hold) for hold in as_seen_by(user, holds)]


def message_hold_context(holds: Iterable[Hold], user: Viewer, pk: int) -> dict[str, Any]:
    return _context(holds, user, reverse("dashboard:message-hold", args=[pk]))


def recipient_hold_context(holds: Iterable[Hold], user: Viewer, address: str) -> dict[str, Any]:
    return _context(holds, user, recipient_hold_url(address))


def recipient_hold_url(address: str) -> str:
    return reverse("dashboard:recipient-hold", args=[encrypt_address(address)])


def _context(holds: Iterable[Hold], user: Viewer, url: str) -> dict[str, Any]:
    rows = hold_rows(holds, user)
    may_hold = user.has_perm(MAY_HOLD) and not is_limited(user)
    return {"holds": rows, "may_hold": may_hold, "hold_url": "" if rows or not may_hold else url}
