"""What is kept of inbound messages: who answered which message, and when contacts wrote."""

from .lookup import MAX_LISTED, Response, answers_to, responses_of
from .recording import record_answers

__all__ = [
    "MAX_LISTED",
    "Response",
    "answers_to",
    "record_answers",
    "responses_of",
]
