"""Who is behind an address: what ties a LID to a number, and what Z-API knows of either."""

from .learning import hear
from .linking import tie_messages
from .lookup import PhoneRecord, look_up

__all__ = ["PhoneRecord", "hear", "look_up", "tie_messages"]
