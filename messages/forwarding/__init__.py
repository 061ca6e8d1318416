"""Callbacks passed on, byte for byte, to whoever had an instance's webhook before.

A stored callback leaves a FollowUp; `enqueue` turns it into a Forward, which waits in its webhook's
line; a Forwarder takes each line to its receiver, oldest first. At least once: a receiver meets a
callback twice where a worker died between its answer and our noting it, and can tell by the header
`X-Statusboard-Delivery`, which is the same both times.
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
    put_back,
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
    "put_back",
    "set_forwarding",
    "webhook_of",
]
