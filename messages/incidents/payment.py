"""What Z-API says of an instance's payment, besides until when it is paid for."""

from datetime import timedelta
from typing import Final

from messages.models import Instance

# How long before it ends people are told.
WARNED_BEFORE: Final = timedelta(days=7)
_ALL_WELL: Final = {"", "PAID", "TRIAL"}


def unpaid_status(instance: Instance) -> str:
    """Z-API's own word, such as OVERDUE; '' where all is well, or nothing is said.

    Without digits: it is shown to people who may see no number, and a word needs none.
    """
    status = "".join(one for one in instance.payment_status if not one.isnumeric()).strip()
    return "" if status.upper() in _ALL_WELL else status
