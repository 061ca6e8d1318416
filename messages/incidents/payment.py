"""The subscription state of an instance beyond its end date."""

from datetime import timedelta
from typing import Final

from messages.models import Instance

# How long before its end a warning is raised.
WARNED_BEFORE: Final = timedelta(days=7)
# Only ACTIVE is documented; PAID, TRIAL and an empty value have been seen. Unknown values raise no
# alert, because the due date still does.
_UNPAID: Final = {
    *("BLOCKED", "CANCELED", "CANCELLED", "DEFAULTED", "EXPIRED", "INACTIVE", "OVERDUE"),
    *("PAST_DUE", "SUSPENDED", "UNPAID"),
}


def unpaid_status(instance: Instance) -> str:
    """Return Z-API's value if it is known to mean unpaid, such as OVERDUE; else ''."""
    status = instance.payment_status.strip()
    return status if status.upper() in _UNPAID else ""
