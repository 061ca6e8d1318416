"""Why a message did not arrive: gathers the facts for messages.domain.verdict, and words it."""

from .explanation import Explanation, SourceText, explain
from .facts import announced_message, facts_of, trouble_of
from .queue_readings import ask_queue, read_queues

__all__ = [
    "Explanation",
    "SourceText",
    "announced_message",
    "ask_queue",
    "explain",
    "facts_of",
    "read_queues",
    "trouble_of",
]
