"""Answers to messages and times of writing: the facts that are kept of inbound messages."""

from .lookup import MAX_LISTED, Response, answers_to, has_responses, responses_of
from .recording import record_answers

__all__ = [
    "MAX_LISTED",
    "Response",
    "answers_to",
    "has_responses",
    "record_answers",
    "responses_of",
]
