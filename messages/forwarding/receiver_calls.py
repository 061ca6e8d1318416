"""A line's callbacks taken to its receiver. Knows nothing of the database: lanes are threads."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from messages.models import ForwardProblem
from messages.net import PostFailedError, SafeHttpClient

from .outcomes import Refusal, judge

logger = logging.getLogger(__name__)

# After so many seconds a lane is another line's turn, and what was taken is noted.
TURN = 1.0


@dataclass(frozen=True, slots=True)
class ForwardItem:
    forward_id: int
    callback_id: UUID
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Load:
    """The head of one line. `token` is '' unless the admin passes it on."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    parcels: tuple[ForwardItem, ...] = field(repr=False)


@dataclass(slots=True)
class Shipped:
    """What became of a load; nothing of what came after `setback`."""

    taken: list[int] = field(default_factory=list)
    refused: list[tuple[int, Refusal]] = field(default_factory=list)
    setback: Refusal | None = None


def ship(load: Load, stop: threading.Event) -> Shipped:
    shipped = Shipped()
    end = time.monotonic() + TURN
    with _courier(load.url) as courier:
        for parcel in load.parcels:
            refusal = _post(courier, parcel, load.token)
            if refusal is None:
                shipped.taken.append(parcel.forward_id)
            elif refusal.is_final:
                shipped.refused.append((parcel.forward_id, refusal))
            else:
                shipped.setback = refusal
                break
            if stop.is_set() or time.monotonic() > end:
                break
    return shipped


def _courier(url: str) -> SafeHttpClient:
    return SafeHttpClient(
        url, allow_private=settings.FORWARD_ALLOW_PRIVATE, ca_file=settings.FORWARD_CA_FILE
    )


def _post(courier: SafeHttpClient, parcel: ForwardItem, token: str) -> Refusal | None:
    try:
        return judge(courier.post(parcel.body, _headers(parcel, token)))
    except PostFailedError as error:
        return Refusal(ForwardProblem(error.failure.value))
    except Exception:
        # Whatever it is, it must not end the other lanes.
        logger.exception("A callback could not be forwarded.")
        return Refusal(ForwardProblem.IMPOSSIBLE)


def _headers(parcel: ForwardItem, token: str) -> Mapping[str, str]:
    return {
        "Content-Type": "application/json",  # the only one that the door lets in
        "User-Agent": "Statusboard",
        "X-Statusboard-Delivery": str(parcel.callback_id),
    } | ({"z-api-token": token} if token else {})
