"""Parses deliveries into entries. An entry contains everything that is stored for a delivery.

Makes no queries.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from messages.domain.causes import Cause, stored_values
from messages.domain.failures import failure_code
from messages.domain.statuses import Status
from messages.models import Outcome
from messages.zapi.inbound import InboundReport
from messages.zapi.payloads import (
    ConnectionReport,
    MalformedCallbackError,
    ParsedCallback,
    StatusReport,
    parse,
    private_type,
)

from .delivery import Delivery

logger = logging.getLogger(__name__)

# A phone's clock may be ahead a little. A time further in the future is wrong.
FUTURE_TOLERANCE = timedelta(days=1)

_STEP_COLUMNS = {
    Status.DISPATCHED: "dispatched_at",
    Status.PENDING: "dispatched_at",
    Status.SENT: "sent_at",
    Status.FAILED: "failed_at",
    Status.RECEIVED: "delivered_at",
    Status.READ: "read_at",
    Status.PLAYED: "played_at",
    Status.READ_BY_ME: "by_us_at",
    Status.PLAYED_BY_ME: "by_us_at",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored for a delivery.

    If `outcome` is '', the database decides it: applied, or repeated if the event is already
    stored.
    """

    delivery: Delivery
    type: str
    outcome: str
    cause: str
    keeps_body: bool
    cause_values: tuple[str, ...] | None = None
    malformed: bool = False
    # Whether the callback belongs to this instance. Only these callbacks are forwarded (see
    # models.forward).
    is_own: bool = True
    status: StatusReport | None = None
    connection: ConnectionReport | None = None
    inbound: InboundReport | None = None

    def parameters(self) -> dict[str, Any]:
        """The parameters of the statements in postgresql.py and sqlite.py."""
        delivery = self.delivery
        return {
            "zapi_id": delivery.zapi_id,
            "version": delivery.key_version,
            "callback_id": delivery.id,
            "received_at": delivery.received_at,
            "type": self.type,
            "outcome": self.outcome,
            "cause": self.cause,
            "cause_values": self.cause_values,
            "size": len(delivery.body),
            "body": delivery.body if self.keeps_body else b"",
            "dropped_body": None if self.keeps_body or not self.is_own else delivery.body,
            **_inbound_parameters(self.inbound, delivery.received_at),
            "token_digest": delivery.token_digest,
            **(_status_parameters(self.status, delivery.received_at) if self.status else {}),
        }


def usable_moment(occurred_at: datetime | None, received_at: datetime) -> datetime | None:
    """The time of a report, or None if it has none or is in the future."""
    is_usable = occurred_at and occurred_at <= received_at + FUTURE_TOLERANCE
    return occurred_at if is_usable else None


def _inbound_parameters(
    report: InboundReport | None, received_at: datetime
) -> dict[str, str | None]:
    """What the worker stores of an inbound message: LID and number, answer or time of writing."""
    if report is None:
        return {"lid": None, "number": None, "facts": None}
    pair = (report.lid, report.number) if report.is_pair else (None, None)
    occurred_at = usable_moment(report.occurred_at, received_at) or received_at
    told = report.message_id or f"{report.author} {report.kind} {report.momment}"
    facts = {
        "author": report.author,
        "is_writing": report.is_writing,
        "kind": report.kind and report.kind.value,
        "reference": report.reference,
        "at": occurred_at.isoformat(),
        # A hash detects duplicates without storing the id.
        "digest": blake2b(told.encode(), digest_size=8).hexdigest(),
    }
    answer = json.dumps(facts) if report.kind or report.is_writing else None
    return {"lid": pair[0], "number": pair[1], "facts": answer}


def _status_parameters(report: StatusReport, received_at: datetime) -> dict[str, Any]:
    occurred_at = usable_moment(report.occurred_at, received_at)
    moment = occurred_at or received_at
    has_failed = report.status is Status.FAILED
    steps: dict[str, datetime | None] = dict.fromkeys(_STEP_COLUMNS.values())
    if column := _STEP_COLUMNS.get(report.status):
        steps[column] = moment
    return steps | {
        "ids": report.message_ids,
        "zaap_id": report.zaap_id,
        "status": report.status.value,
        "rank": report.status.rank,
        "raw_status": report.raw_status,
        "momment": report.momment,
        "occurred_at": moment,
        "own_time": occurred_at,
        "time_is_arrival": occurred_at is None,
        "phone": report.phone,
        "is_group": report.is_group,
        "inbound": report.status.is_by_me,
        "participant": report.participant,
        "device": report.device,
        "reason": report.reason,
        "failure": report.reason if has_failed else "",
        "failure_code": failure_code(report.reason) if has_failed else "",
    }


def read(delivery: Delivery) -> Entry:
    """Parse a delivery. If that fails, the entry is quarantined."""
    try:
        callback = parse(delivery.body)
    except MalformedCallbackError as error:
        return quarantined(delivery, error.cause, error.values, type=error.type, malformed=True)
    except Exception:
        # A bug in the parser must not lose an authenticated callback.
        logger.exception("A callback could not be parsed. It is kept in quarantine.")
        return quarantined(delivery, Cause.NOT_READ)
    if callback.instance_id and callback.instance_id != delivery.zapi_id:
        named = (delivery.zapi_id, callback.instance_id)
        return quarantined(delivery, Cause.OTHER_INSTANCE, named, type=callback.type)
    return _understood(delivery, callback)


def quarantined(
    delivery: Delivery,
    cause: Cause,
    values: Iterable[object] = (),
    *,
    type: str = "",  # noqa: A002
    malformed: bool = False,
) -> Entry:
    return Entry(
        *(delivery, type, Outcome.QUARANTINED, cause),
        cause_values=stored_values(values),
        # The content of inbound messages is never kept.
        keeps_body=not private_type(delivery.body),
        malformed=malformed,
        is_own=False,
    )


def _understood(delivery: Delivery, callback: ParsedCallback) -> Entry:
    cause = "" if callback.is_known else Cause.UNKNOWN_TYPE
    values = None if callback.is_known else stored_values([callback.type])
    match callback.report:
        case StatusReport() as report:
            return Entry(
                *(delivery, callback.type, "", cause),
                cause_values=values,
                keeps_body=True,
                status=report,
            )
        case ConnectionReport() as report:
            return Entry(
                *(delivery, callback.type, Outcome.APPLIED, cause),
                cause_values=values,
                keeps_body=True,
                connection=report,
            )
        case None if not callback.is_known:
            return Entry(
                *(delivery, callback.type, Outcome.QUARANTINED, cause),
                cause_values=values,
                keeps_body=True,
            )
        case inbound:
            return Entry(
                *(delivery, callback.type, Outcome.IGNORED, ""), keeps_body=False, inbound=inbound
            )
