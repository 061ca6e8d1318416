"""The merge rules, as SQL fragments for both databases.

Each rule combines the stored row (`known`) with the new one (`excluded`). The result does not
depend on their order, so callbacks may arrive late, twice and out of order. NULL means "not
reported".

The function of a fragment with values gets a function that turns a value's name into a placeholder.
"""

from collections.abc import Callable
from dataclasses import dataclass

from messages.domain.statuses import Status

Value = Callable[[str], str]

MESSAGE_COLUMNS = (
    "instance_id, zapi_id, zaap_id, rank, phone, is_group, several, inbound,"
    " first_heard_at, started_at, last_event_at,"
    " dispatched_at, sent_at, failed_at, failure, failure_code,"
    " delivered_at, read_at, played_at, by_us_at"
)
EVENT_COLUMNS = (
    "message_id, source, status, raw_status, momment, occurred_at, time_is_arrival, received_at,"
    " phone, participant, device, reason, repeats, callback_id"
)
EVENT_IDENTITY = "message_id, source, raw_status, momment, phone, participant, device, reason"
CALLBACK_COLUMNS = (
    "id, instance_id, type, received_at, outcome, cause, cause_values, token_check, size, body"
)
FOLLOW_UP_COLUMNS = "callback_id, instance_id, type, body, lid, number, inbound"


def message_values(value: Value) -> str:
    """The values of MESSAGE_COLUMNS, without the message's instance and id."""
    return ", ".join(
        [
            *map(value, ("zaap_id", "rank", "phone", "is_group")),
            "false",
            *map(value, ("inbound", "received_at", "occurred_at", "own_time")),
            *map(value, ("dispatched_at", "sent_at", "failed_at", "failure", "failure_code")),
            *map(value, ("delivered_at", "read_at", "played_at", "by_us_at")),
        ]
    )


def event_values(value: Value) -> str:
    """The values of EVENT_COLUMNS, without the message."""
    return ", ".join(
        [
            *map(value, ("type", "status", "raw_status", "momment", "occurred_at")),
            *map(value, ("time_is_arrival", "received_at", "phone", "participant", "device")),
            *(value("reason"), "0", value("callback_id")),
        ]
    )


def known_instance(value: Value) -> str:
    """The instance that a key belongs to, and whether Z-API's token matches.

    No row matches for a retired key version or an archived instance. A wrong token also matches no
    row if the policy is "enforce". If the instance has no stored token, the token is not checked.
    After a token was replaced, the previous one is accepted for a while.
    """
    matches = (
        f"({value('token_digest')} = token_digest OR ({value('token_digest')} ="
        f" previous_token_digest AND {value('received_at')} < previous_token_until))"
    )
    return f"""
SELECT id,
       CASE WHEN token_policy = 'off' OR token_digest = '' THEN ''
            WHEN {value("token_digest")} = '' THEN 'missing'
            WHEN {matches} THEN 'matches'
            ELSE 'differs' END AS token_check
FROM whatsapp_instance
WHERE zapi_id = {value("zapi_id")} AND archived_at IS NULL
  AND {value("version")} BETWEEN oldest_key_version AND key_version
  AND (token_policy <> 'enforce' OR token_digest = '' OR {matches})"""  # noqa: S608


def quarantined_callback(value: Value) -> str:
    """For a replay: the instance from the row of the quarantined callback."""
    return (
        "SELECT instance_id AS id, token_check FROM whatsapp_callback"  # noqa: S608
        f" WHERE id = {value('callback_id')} AND outcome = 'quarantined'"
    )


def dropped_body(instance: str, body: str) -> str:
    """A body that is not kept as evidence: NULL, unless it must be forwarded first.

    It must be if a webhook other than the status webhooks forwards, or if all status webhooks
    forward: then they forward callbacks of every type. See messages.forwarding.receivers.
    """
    statuses = "('message-status', 'delivery', 'connected', 'disconnected')"
    forwarding = f"""FROM whatsapp_webhook
        WHERE whatsapp_webhook.instance_id = {instance} AND forward_to <> ''"""
    return f"""CASE WHEN {body} IS NOT NULL AND (
        EXISTS (SELECT 1 {forwarding} AND kind NOT IN {statuses})
        OR 4 = (SELECT count(*) {forwarding} AND kind IN {statuses})
    ) THEN {body} END"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """SQL that differs between the databases.

    Byte-wise collation, minimum and maximum that skip NULL, and a literal `%`.
    """

    collation: str
    least: str
    greatest: str
    percent: str

    def lesser(self, column: str) -> str:
        return f"{column} = {self.least.format(f'known.{column}', f'excluded.{column}')}"

    def greater(self, column: str) -> str:
        return f"{column} = {self.greatest.format(f'known.{column}', f'excluded.{column}')}"


# PostgreSQL's LEAST skips NULL, SQLite's min() returns it.
POSTGRESQL = Dialect('"C"', "LEAST({0}, {1})", "GREATEST({0}, {1})", "%%")
SQLITE = Dialect(
    "BINARY",
    "min(coalesce({0}, {1}), coalesce({1}, {0}))",
    "max(coalesce({0}, {1}), coalesce({1}, {0}))",
    "%",
)


def _text_order(text: str, dialect: Dialect) -> str:
    """The sort key of a text. Of two reported texts, the first in this order is kept.

    So a number wins over a LID: the delivery callback may contain a person's number, and the status
    callback the same person's LID. An empty text always loses.
    """
    is_lid = f"{text} LIKE '{dialect.percent}@lid'"
    return f"{text} = '', {is_lid}, {text} COLLATE {dialect.collation}"


def _first_text(column: str, dialect: Dialect) -> str:
    excluded, known = (_text_order(f"{row}.{column}", dialect) for row in ("excluded", "known"))
    return (
        f"{column} = CASE WHEN ({excluded}) < ({known})"
        f" THEN excluded.{column} ELSE known.{column} END"
    )


def _failure_code(dialect: Dialect) -> str:
    """The code of the stored failure, or '' if the message was delivered later."""
    rank = dialect.greatest.format("known.rank", "excluded.rank")
    excluded, known = (
        f"{_text_order(f'{row}.failure', dialect)}, {row}.failure_code = ''"
        for row in ("excluded", "known")
    )
    return (
        f"failure_code = CASE WHEN {rank} <> {Status.FAILED.rank} THEN ''"
        f" WHEN ({excluded}) < ({known}) THEN excluded.failure_code ELSE known.failure_code END"
    )


def message_update(dialect: Dialect) -> str:
    """The SET clause for a message that is already stored."""
    times = ("dispatched_at", "sent_at", "failed_at", "delivered_at", "read_at", "played_at")
    return ", ".join(
        [
            *map(dialect.lesser, ("first_heard_at", "started_at", *times, "by_us_at")),
            *map(dialect.greater, ("rank", "last_event_at")),
            *(_first_text(column, dialect) for column in ("zaap_id", "phone", "failure")),
            _failure_code(dialect),
            "is_group = known.is_group OR excluded.is_group",
            "inbound = known.inbound AND excluded.inbound",
            "several = known.several OR (known.phone <> '' AND excluded.phone <> ''"
            " AND known.phone <> excluded.phone)",
        ]
    )


def event_update(dialect: Dialect) -> str:
    """The SET clause for an event that is already stored: count the repeat, keep the earliest."""
    return ", ".join(
        [
            "repeats = known.repeats + 1",
            "time_is_arrival = known.time_is_arrival OR excluded.time_is_arrival",
            # Ids are ordered by time, so the lesser id is the earlier callback.
            *map(dialect.lesser, ("received_at", "occurred_at", "callback_id")),
        ]
    )
