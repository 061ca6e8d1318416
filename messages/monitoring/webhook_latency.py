"""The latency of the webhook endpoint, measured per process and summed at the scrape.

This is Prometheus' standard way for several processes: each has a memory-mapped file in
PROMETHEUS_MULTIPROC_DIR. One observation takes a few microseconds. Nothing is measured if metrics
are off.
"""

from typing import Any, Final

from prometheus_client import Histogram

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)

_seconds = Histogram(
    "statusboard_webhook_seconds",
    "Time to answer a callback, by outcome. Refused and lost callbacks were not stored.",
    ["outcome"],
    buckets=_BUCKETS,
)
_by_outcome = {
    outcome: _seconds.labels(outcome)
    for outcome in (
        *("applied", "repeated", "ignored", "quarantined", "spooled"),
        *("refused", "lost", "failed"),
    )
}


def note(response: Any, seconds: float) -> None:
    outcome = getattr(response, "outcome", None) or _outcome_of_status(response.status_code)
    _by_outcome[outcome].observe(seconds)


def _outcome_of_status(status: int) -> str:
    if status < 500:
        return "refused"
    return "lost" if status == 503 else "failed"
