"""The webhook endpoint: check the key, read the body, pass the callback to ingest, answer."""

import json
import logging
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

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


class IgnoreAccept(BaseContentNegotiation):
    """Always answers with JSON, because a callback must not be lost to a 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type


class Stored(HttpResponse):
    """A 200 answer with the outcome, which the metrics read from the attribute."""

    def __init__(self, outcome: str) -> None:
        super().__init__(_outcome_body(outcome), content_type="application/json")
        self.outcome = outcome


@cache
def _outcome_body(outcome: str) -> bytes:
    return json.dumps({"outcome": outcome}).encode()


class ZapiWebhook(APIView):
    """`POST /webhooks/zapi/<key>/`: one callback of any type.

    The order of the checks is part of the contract: method 405, key 404, content type 415 with the
    body unread, size 413, malformed 400 with the body kept, stored 200. Too many wrong keys: 429.
    """

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = IgnoreAccept
    http_method_names = ["post"]

    def perform_authentication(self, request: Request) -> None:
        """Do nothing. The key authenticates the caller, and there is no user."""

    def post(self, request: Request, key: str) -> HttpResponse:
        valid_key = webhook_keys.verify(key)
        if valid_key is None or not throttling.is_allowed_network(request.META):
            return reject_key(request)
        try:
            body = read_body(request.META, settings.WEBHOOK_MAX_BODY)
        except BodyRefusedError as refusal:
            return _refuse_body(request, _delivery(request, valid_key, b""), refusal)
        return _record(request, _delivery(request, valid_key, body))


def _delivery(request: Request, key: WebhookKey, body: bytes) -> Delivery:
    token = request.META.get("HTTP_Z_API_TOKEN", "")
    return Delivery(
        id=new_delivery_id(),
        zapi_id=key.zapi_id,
        key_version=key.version,
        received_at=datetime.now(UTC),
        body=body,
        token_digest=token_digest(token) if token else "",
    )


def _refuse_body(request: Request, delivery: Delivery, refusal: BodyRefusedError) -> JsonResponse:
    """Record the refusal. A caller without an instance gets the answer for a wrong key."""
    try:
        note_refused(delivery, refusal.cause, refusal.values)
    except UnknownInstanceError:
        return reject_key(request)
    return _error(refusal.status, str(refusal))


def _record(request: Request, delivery: Delivery) -> HttpResponse:
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
        # Keeps django.utils.log.log_response() from logging it. Our own line comes once a minute.
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


def reject_key(request: Request) -> JsonResponse:
    """The same answer for an unknown, a wrong and a retired key, so that it reveals nothing."""
    if seconds := throttling.wrong_keys.take_of(request.META).wait:
        return _error(429, throttling.TOO_MANY, {"Retry-After": str(seconds)})
    return not_found(request)


def not_found(request: HttpRequest | Request, exception: Exception | None = None) -> JsonResponse:
    return _error(404, "Webhook not found.")


def _error(status: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": detail}, status=status, headers=headers)
