"""SQL for PostgreSQL. One statement stores messages, events, callback and follow-up together.

`%(name)s` is a value of Entry.parameters().
"""

from .merge_rules import (
    CALLBACK_COLUMNS,
    EVENT_COLUMNS,
    EVENT_IDENTITY,
    FOLLOW_UP_COLUMNS,
    MESSAGE_COLUMNS,
    POSTGRESQL,
    dropped_body,
    event_update,
    event_values,
    known_instance,
    message_update,
    message_values,
    quarantined_callback,
)

# The types of the values that are not text.
_TYPES = {
    **dict.fromkeys(("received_at", "occurred_at", "own_time"), "timestamptz"),
    **dict.fromkeys(("dispatched_at", "sent_at", "failed_at", "delivered_at"), "timestamptz"),
    **dict.fromkeys(("read_at", "played_at", "by_us_at"), "timestamptz"),
    **dict.fromkeys(("is_group", "inbound", "time_is_arrival"), "bool"),
    **dict.fromkeys(("device", "size", "version"), "int4"),
    **{"rank": "int2", "instance_id": "int8", "callback_id": "uuid", "ids": "json"},
    **{"cause_values": "jsonb", "facts": "jsonb"},
    **{"body": "bytea", "dropped_body": "bytea"},
}


def _parameter(name: str) -> str:
    """A value as a placeholder. PostgreSQL infers the type of a value without a cast."""
    return f"%({name})s::{_TYPES[name]}" if name in _TYPES else f"%({name})s"


_INSTANCE = f"known_instance AS MATERIALIZED ({known_instance(_parameter)})"
# The row is locked. If two replays run at once, the second finds the callback already replayed.
_QUARANTINED = f"known_instance AS MATERIALIZED ({quarantined_callback(_parameter)} FOR UPDATE)"
_GIVEN = "known_instance AS (SELECT %(instance_id)s::int8 AS id)"

# The ids are sorted, so that two callbacks with the same messages lock them in the same order.
_STATUS = f"""
message AS (
    INSERT INTO whatsapp_message AS known ({MESSAGE_COLUMNS})
    SELECT known_instance.id, given.zapi_id, {message_values(_parameter)}
    FROM known_instance,
         json_array_elements_text({_parameter("ids")}) WITH ORDINALITY AS given(zapi_id, place)
    ORDER BY given.place
    ON CONFLICT (zapi_id, instance_id) DO UPDATE SET {message_update(POSTGRESQL)}
    RETURNING known.id
), event AS (
    INSERT INTO whatsapp_statusevent AS known ({EVENT_COLUMNS})
    SELECT message.id, {event_values(_parameter)}
    FROM message
    ON CONFLICT ({EVENT_IDENTITY}) DO UPDATE SET {event_update(POSTGRESQL)}
    RETURNING repeats = 0 AS is_new
)"""  # noqa: S608  (all from constants)
_OUTCOME_OF_EVENTS = (
    "(SELECT CASE WHEN bool_or(is_new) THEN 'applied' ELSE 'repeated' END FROM event)"
)


def _inserted(outcome: str) -> str:
    return f"""
stored AS (
    INSERT INTO whatsapp_callback ({CALLBACK_COLUMNS})
    SELECT {_parameter("callback_id")}, known_instance.id, %(type)s, {_parameter("received_at")},
           {outcome}, %(cause)s, {_parameter("cause_values")}, known_instance.token_check,
           {_parameter("size")}, {_parameter("body")}
    FROM known_instance
    RETURNING instance_id, outcome
)"""  # noqa: S608


def _settled(outcome: str) -> str:
    return f"""
stored AS (
    UPDATE whatsapp_callback
    SET type = %(type)s, outcome = {outcome}, cause = %(cause)s,
        cause_values = {_parameter("cause_values")}, body = {_parameter("body")}
    FROM known_instance
    WHERE whatsapp_callback.id = {_parameter("callback_id")}
    RETURNING instance_id, outcome
)"""  # noqa: S608


_FOLLOW_UP = f"""
follow_up AS (
    INSERT INTO whatsapp_followup ({FOLLOW_UP_COLUMNS})
    SELECT {_parameter("callback_id")}, stored.instance_id, %(type)s,
           {dropped_body("stored.instance_id", _parameter("dropped_body"))}, %(lid)s, %(number)s,
           {_parameter("facts")}
    FROM stored
)
SELECT instance_id, outcome FROM stored"""  # noqa: S608

STORE_STATUS = f"WITH {_INSTANCE}, {_STATUS}, {_inserted(_OUTCOME_OF_EVENTS)}, {_FOLLOW_UP}"
STORE_CALLBACK = f"WITH {_INSTANCE}, {_inserted('%(outcome)s')}, {_FOLLOW_UP}"
SETTLE_STATUS = f"WITH {_QUARANTINED}, {_STATUS}, {_settled(_OUTCOME_OF_EVENTS)}, {_FOLLOW_UP}"
SETTLE_CALLBACK = f"WITH {_QUARANTINED}, {_settled('%(outcome)s')}, {_FOLLOW_UP}"
DERIVE = f"WITH {_GIVEN}, {_STATUS} SELECT count(*) FROM event"  # noqa: S608
