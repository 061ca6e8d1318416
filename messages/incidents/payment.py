"""What Z-API says of an instance's payment, besides until when it is paid for."""

from datetime import timedelta
from typing import Final

from messages.models import Instance

# How long before it ends people are told.
WARNED_BEFORE: Final = timedelta(days=7)
# The only documented word is ACTIVE; PAID, TRIAL and none have been seen. A word that is not known
# raises no alarm: `due` still does.
_UNPAID: Final = {
    *("BLOCKED", "CANCELED", "CANCELLED", "DEFAULTED", "EXPIRED", "INACTIVE", "OVERDUE"),
    *("PAST_DUE", "SUSPENDED", "UNPAID"),
}


def unpaid_status(instance: Instance) -> str:
    """Z-API's own word where it is known to mean unpaid, such as OVERDUE; else ''."""
    status = instance.payment_status.strip()
    return status if status.upper() in _UNPAID else ""
