"""The times between two steps of a message, for queries and summaries."""

from typing import Any, Final

from django.db.models import Q
from django.db.models.functions import Coalesce

from .functions import Epoch

# In seconds. A message without a SENT report is timed from its dispatch.
LATENCIES: Final[dict[str, Any]] = {
    "delivered": Epoch("delivered_at") - Epoch(Coalesce("sent_at", "dispatched_at")),
    "read": Epoch("read_at") - Epoch("delivered_at"),
}


def is_known(latency: str) -> Q:
    """For queries with the annotation `<latency>_latency`.

    A negative latency only shows that clocks differ.
    """
    return Q((f"{latency}_latency__gte", 0))
