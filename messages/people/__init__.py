"""Who is behind an address: what ties a LID to a number, and what Z-API knows of either."""

from .lookup import PhoneRecord, look_up
from .tie import tie_addresses, tie_messages

__all__ = ["PhoneRecord", "look_up", "tie_addresses", "tie_messages"]
