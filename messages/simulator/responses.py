"""Answers of the simulator, including every known refusal of Z-API."""

import json
from dataclasses import dataclass
from typing import Any

HTML = b"<!doctype html><title>Service unavailable</title><h1>Back soon</h1>"


@dataclass(frozen=True, slots=True)
class Answer:
    """`delay` is in seconds. `hangs_up` closes the connection without an answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    location: str = ""
    delay: float = 0
    hangs_up: bool = False


def as_json(data: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(data).encode())


def _error(status: int, error: str) -> Answer:
    return as_json({"error": error}, status)


# The keys are the values of --answer. The bodies are Z-API's own. Those of 401, 404, 429 and 5xx
# are invented, because Z-API does not publish them.
REFUSALS = {
    "not-applied": as_json({"value": False}),
    "unknown-call": as_json(
        {"error": "NOT_FOUND", "message": "Unable to find matching target resource method"}
    ),
    "client-token-not-configured": _error(400, "your client-token is not configured"),
    "null-not-allowed": _error(400, "null not allowed"),
    "null-not-allowed-200": _error(200, "null not allowed"),
    "subscription-ended": _error(
        400, "To continue sending a message, you must subscribe to this instance again"
    ),
    "client-token-null": _error(403, "Client-Token null not allowed"),
    "client-token-wrong": _error(403, "Client-Token … not allowed"),
    "ip-not-allowed": _error(403, "[203.0.113.7] not allowed"),
    "unauthorized": _error(401, "Unauthorized"),
    "not-found": _error(404, "Instance not found"),
    "method-not-allowed": _error(405, "Method Not Allowed"),
    "media-type": _error(415, "Unsupported Media Type"),
    "too-many": _error(429, "Too Many Requests"),
    "fault": _error(500, "Internal Server Error"),
    "bad-gateway": Answer(502, HTML, "text/html"),
    "html": Answer(200, HTML, "text/html"),
    "not-an-object": as_json([]),
    "undocumented": as_json({"value": "perhaps"}),
    "redirect": Answer(302, location="https://elsewhere.example.com/"),
    "too-long": Answer(200, b'"' + b"x" * 1_000_000 + b'"'),
    "slow": Answer(200, b"{}", delay=60),
    "hang-up": Answer(200, hangs_up=True),
}

# Not a refusal: Z-API answers {"value": true} but changes nothing.
FORGETFUL = "forgetful"
OK = "ok"
# Bad answers to `POST /queue` only, with status 200.
QUEUE_FAULTS = ("queue-endless", "queue-without-ids", "queue-text-only", "queue-too-long")
NAMES = (OK, FORGETFUL, *QUEUE_FAULTS, *REFUSALS)


def refusal(name: str, client_token: str = "") -> Answer:
    """The refusal of this name. Like Z-API, it echoes a wrong Client-Token."""
    if name == "client-token-wrong":
        return _error(403, f"Client-Token {client_token} not allowed")
    return REFUSALS[name]
