"""The webhook endpoint: check the key, read the body, pass the callback to ingest, answer."""

import json
import logging
from datetime import UTC, datetime
from functools import cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from messages.domain.causes import plain_cause_text
from messages.ingest import (
    Delivery,
    RetiredKeyError,
    SpoolQuotaError,
    SpoolUnavailableError,
    UnknownInstanceError,
    new_delivery_id,
    note_refused,
    record,
)
from messages.instances import webhook_keys
from messages.instances.token_checks import count_wrong_token
from messages.instances.webhook_keys import WebhookKey
from messages.models import token_digest
from statusboard.logs import SparseLogger

from . import throttling
from .body import BodyRefusedError, read_body

logger = logging.getLogger(__name__)
sparse_logger = SparseLogger(logger)


class Stored(HttpResponse):
    """A 200 answer with the outcome, which the metrics read from the attribute."""

    def __init__(self, outcome: str) -> None:
        super().__init__(_outcome_body(outcome), content_type="application/json")
        self.outcome = outcome


@cache
def _outcome_body(outcome: str) -> bytes:
    return json.dumps({"outcome": outcome}).encode()


@csrf_exempt
@login_not_required
def zapi_webhook(request: HttpRequest, key: str) -> HttpResponse:
    """`POST /webhooks/zapi/<key>/`: one callback of any type.

    The order of the checks is part of the contract: method 405, key 404, content type 415 with the
    body unread, size 413, malformed 400 with the body kept, stored 200. Too many wrong keys: 429.
    """
    if request.method != "POST":
        return _error(405, "Only POST is allowed.", {"Allow": "POST"})
    valid_key = webhook_keys.verify(key)
    if valid_key is None or not throttling.is_allowed_network(request.META):
        return reject_key(request)
    try:
        body = read_body(request.META, settings.WEBHOOK_MAX_BODY)
    except BodyRefusedError as refusal:
        return _refuse_body(request, _delivery(request, valid_key, b""), refusal)
    return _record(request, _delivery(request, valid_key, body))


def _delivery(request: HttpRequest, key: WebhookKey, body: bytes) -> Delivery:
    token = request.META.get("HTTP_Z_API_TOKEN", "")
    return Delivery(
        id=new_delivery_id(),
        zapi_id=key.zapi_id,
        key_version=key.version,
        received_at=datetime.now(UTC),
        body=body,
        token_digest=token_digest(token) if token else "",
    )


def _refuse_body(
    request: HttpRequest, delivery: Delivery, refusal: BodyRefusedError
) -> JsonResponse:
    """Record the refusal. If the key's instance does not exist, answer as for a wrong key."""
    try:
        note_refused(delivery, refusal.cause, refusal.values)
    except UnknownInstanceError:
        return reject_key(request)
    return _error(refusal.status, str(refusal))


def _record(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    try:
        recorded = record(delivery)
    except RetiredKeyError:
        return reject_key(request)
    except UnknownInstanceError:
        if not throttling.wrong_keys.is_waiting(request.META):
            count_wrong_token(delivery.zapi_id, delivery.key_version, delivery.token_digest)
        return reject_key(request)
    except SpoolUnavailableError as error:
        _note_lost(delivery, error)
        answer = _error(
            503, "The callback could not be stored. Send it again.", {"Retry-After": "10"}
        )
        # Keeps django.utils.log.log_response() from logging it. We log this ourselves, at most once
        # a minute.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer
    if recorded.malformed:
        words = plain_cause_text(recorded.cause, recorded.cause_values)
        return _error(400, f"The callback could not be parsed. {words}")
    return Stored(recorded.outcome)


def _note_lost(delivery: Delivery, error: SpoolUnavailableError) -> None:
    """Log a lost callback at most once a minute, and separately for each instance over quota."""
    instance = delivery.zapi_id if isinstance(error, SpoolQuotaError) else ""
    source = f" of instance {instance}" if instance else ""
    sparse_logger.log(
        instance,
        logging.ERROR,
        f"A callback{source} was not stored; it is lost unless Z-API sends it again. Spool: %s",
        error,
        status_code=503,
    )


def reject_key(request: HttpRequest) -> JsonResponse:
    """The same answer for an unknown, a wrong and a retired key, so that it reveals nothing."""
    if seconds := throttling.wrong_keys.take_of(request.META).wait:
        return _error(429, throttling.TOO_MANY, {"Retry-After": str(seconds)})
    return not_found(request)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _error(404, "Webhook not found.")


def _error(status: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": detail}, status=status, headers=headers)
