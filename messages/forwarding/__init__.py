"""Forward callbacks, unchanged, to the system that used an instance's webhook before.

A stored callback creates a FollowUp. `enqueue` turns it into a Forward in the line (queue) of its
webhook. A Forwarder delivers each line to its receiver, oldest first and at least once. A receiver
gets a callback twice if a worker dies after the delivery and before it saves the result. The header
`X-Statusboard-Delivery` is the same both times.
"""

from .forward_queue import drop_unwanted, enqueue
from .forwarder import Forwarder
from .forwarding_setup import (
    COUNTED,
    Forwarding,
    busy_lines,
    forward_all,
    forwarding_state,
    kinds_of,
    retry_failed,
    set_forwarding,
    webhook_of,
)

__all__ = [
    "COUNTED",
    "Forwarder",
    "Forwarding",
    "busy_lines",
    "drop_unwanted",
    "enqueue",
    "forward_all",
    "forwarding_state",
    "kinds_of",
    "retry_failed",
    "set_forwarding",
    "webhook_of",
]
