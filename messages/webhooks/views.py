"""The edge that Z-API calls: authenticate, read, hand to ingest, answer."""

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

from . import gate
from .body import BodyRefusedError, read_body

logger = logging.getLogger(__name__)
_sparse_logger = SparseLogger(logger)


class IgnoreAccept(BaseContentNegotiation):
    """JSON whatever the Accept header says: a callback must not be lost to a 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type


class Stored(HttpResponse):
    """2xx, with what became of the callback; whoever counts answers need not read it again."""

    def __init__(self, outcome: str) -> None:
        super().__init__(_said(outcome), content_type="application/json")
        self.outcome = outcome


@cache
def _said(outcome: str) -> bytes:
    return json.dumps({"outcome": outcome}).encode()


class ZapiWebhook(APIView):
    """`POST /webhooks/zapi/<key>/`: one callback of any type.

    The order of the answers is part of the contract: method 405, key 404, content type 415 with the
    body unread, size 413, malformed 400 with the body kept, stored 200. Whoever goes on with wrong
    keys is told 429.
    """

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = IgnoreAccept
    http_method_names = ["post"]

    def perform_authentication(self, request: Request) -> None:
        """Left out, as DRF allows: the key is the caller's proof, and no user is asked for."""

    def post(self, request: Request, key: str) -> HttpResponse:
        genuine = webhook_keys.verify(key)
        if genuine is None or not gate.admits(request.META):
            return refused(request)
        try:
            body = read_body(request.META, settings.WEBHOOK_MAX_BODY)
        except BodyRefusedError as refusal:
            return _refuse_body(request, _delivery(request, genuine, b""), refusal)
        return _record(request, _delivery(request, genuine, body))


def _delivery(request: Request, key: WebhookKey, body: bytes) -> Delivery:
    return Delivery(
        id=new_delivery_id(),
        zapi_id=key.zapi_id,
        key_version=key.version,
        received_at=datetime.now(UTC),
        body=body,
        token_digest=_digest(request.META.get("HTTP_Z_API_TOKEN", "")),
    )


def _refuse_body(request: Request, delivery: Delivery, refusal: BodyRefusedError) -> JsonResponse:
    """Told apart from a wrong key only to an instance that is there, and written down for it."""
    try:
        note_refused(delivery, refusal.cause, refusal.values)
    except UnknownInstanceError:
        return refused(request)
    return _error(refusal.status, str(refusal))


def _record(request: Request, delivery: Delivery) -> HttpResponse:
    try:
        recorded = record(delivery)
    except RetiredKeyError:
        return refused(request)
    except UnknownInstanceError:
        if not gate.wrong_keys.is_waiting(request.META):
            count_wrong_token(delivery.zapi_id, delivery.key_version, delivery.token_digest)
        return refused(request)
    except SpoolUnavailableError as error:
        _note_lost(delivery, error)
        answer = _error(
            503, "The callback could not be stored. Send it again.", {"Retry-After": "10"}
        )
        # As django.utils.log.log_response() reads it: our own line comes once a minute.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer
    if recorded.malformed:
        words = plain_cause_text(recorded.cause, recorded.cause_values)
        return _error(400, f"The callback could not be parsed. {words}")
    return Stored(recorded.outcome)


def _note_lost(delivery: Delivery, error: SpoolUnavailableError) -> None:
    """Once a minute; where one instance has used up its quota, once for each such instance."""
    instance = delivery.zapi_id if isinstance(error, SpoolQuotaError) else ""
    source = f" of instance {instance}" if instance else ""
    _sparse_logger.log(
        instance,
        logging.ERROR,
        f"A callback{source} was not stored; it is lost unless Z-API sends it again. Spool: %s",
        error,
        status_code=503,
    )


def _digest(token: str) -> str:
    return token_digest(token) if token else ""


def refused(request: Request) -> JsonResponse:
    """One answer for an unknown, a wrong and a retired key: nothing to learn from it."""
    if seconds := gate.wrong_keys.take_of(request.META).wait:
        return _error(429, gate.TOO_MANY, {"Retry-After": str(seconds)})
    return not_found(request)


def not_found(request: HttpRequest | Request, exception: Exception | None = None) -> JsonResponse:
    return _error(404, "Webhook not found.")


def _error(status: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": detail}, status=status, headers=headers)
