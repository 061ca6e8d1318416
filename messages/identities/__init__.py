"""Who is behind an address: what ties a LID to a number, and what Z-API knows of either."""

from .hear import hear
from .lookup import PhoneRecord, look_up
from .tie import tie_messages

__all__ = ["PhoneRecord", "hear", "look_up", "tie_messages"]
