"""Answers to messages and times of writing: the facts that are kept of inbound messages."""

from .lookup import MAX_LISTED, Response, answers_to, responses_of
from .recording import record_answers

__all__ = [
    "MAX_LISTED",
    "Response",
    "answers_to",
    "record_answers",
    "responses_of",
]
