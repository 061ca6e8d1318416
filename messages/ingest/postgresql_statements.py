"""PostgreSQL's statements: instance, messages, events and callback in a single one.

`%(name)s` stands for a value of Entry.parameters().
"""

import re

from .merge_rules import (
    CALLBACK_COLUMNS,
    DROPPED_BODY,
    EVENT_COLUMNS,
    EVENT_IDENTITY,
    FOLLOW_UP_COLUMNS,
    KNOWN_INSTANCE,
    MESSAGE_COLUMNS,
    POSTGRESQL,
    QUARANTINED_CALLBACK,
    event_update,
    message_update,
)

_INSTANCE = f"known_instance AS MATERIALIZED ({KNOWN_INSTANCE})"
# Locked, so that of two replays at once the second finds it settled.
_QUARANTINED = f"known_instance AS MATERIALIZED ({QUARANTINED_CALLBACK} FOR UPDATE)"
_GIVEN = "known_instance AS (SELECT %(instance_id)s::int8 AS id)"

_MESSAGE = """%(zaap_id)s, %(rank)s::int2, %(phone)s,
           %(is_group)s::bool, false, %(inbound)s::bool,
           %(received_at)s::timestamptz, %(occurred_at)s::timestamptz, %(own_time)s::timestamptz,
           %(accepted_at)s::timestamptz, %(sent_at)s::timestamptz, %(failed_at)s::timestamptz,
           %(failure)s, %(delivered_at)s::timestamptz, %(read_at)s::timestamptz,
           %(played_at)s::timestamptz, %(by_us_at)s::timestamptz"""
_EVENT = """%(type)s, %(status)s, %(raw_status)s, %(momment)s,
           %(occurred_at)s::timestamptz, %(time_is_arrival)s::bool, %(received_at)s::timestamptz,
           %(phone)s, %(participant)s, %(device)s::int4, %(reason)s, 0, %(callback_id)s::uuid"""

# The ids come sorted, so that two callbacks naming the same messages take their locks in one order.
_STATUS = f"""
message AS (
    INSERT INTO whatsapp_message AS known ({MESSAGE_COLUMNS})
    SELECT known_instance.id, given.zapi_id, {_MESSAGE}
    FROM known_instance,
         json_array_elements_text(%(ids)s::json) WITH ORDINALITY AS given(zapi_id, place)
    ORDER BY given.place
    ON CONFLICT (zapi_id, instance_id) DO UPDATE SET {message_update(POSTGRESQL)}
    RETURNING known.id
), event AS (
    INSERT INTO whatsapp_statusevent AS known ({EVENT_COLUMNS})
    SELECT message.id, {_EVENT}
    FROM message
    ON CONFLICT ({EVENT_IDENTITY}) DO UPDATE SET {event_update(POSTGRESQL)}
    RETURNING repeats = 0 AS is_new
)"""  # noqa: S608  (all from constants)

_CALLBACK = f"""
stored AS (
    INSERT INTO whatsapp_callback ({CALLBACK_COLUMNS})
    SELECT %(callback_id)s::uuid, known_instance.id, %(type)s, %(received_at)s::timestamptz,
           {{outcome}}, %(cause)s, known_instance.token_check, %(size)s::int4, %(body)s::bytea
    FROM known_instance
    RETURNING instance_id, outcome
)"""  # noqa: S608

_SETTLED = """
stored AS (
    UPDATE whatsapp_callback
    SET type = %(type)s, outcome = {outcome}, cause = %(cause)s, body = %(body)s::bytea
    FROM known_instance
    WHERE whatsapp_callback.id = %(callback_id)s::uuid
    RETURNING instance_id, outcome
)"""

_FOLLOW_UP = f"""
follow_up AS (
    INSERT INTO whatsapp_followup ({FOLLOW_UP_COLUMNS})
    SELECT %(callback_id)s::uuid, stored.instance_id, %(type)s,
           {DROPPED_BODY.format(instance="stored.instance_id", body="%(dropped_body)s::bytea")},
           %(lid)s, %(number)s
    FROM stored
)
SELECT instance_id, outcome FROM stored"""  # noqa: S608

_OUTCOME_OF_EVENTS = (
    "(SELECT CASE WHEN bool_or(is_new) THEN 'applied' ELSE 'repeated' END FROM event)"
)


def _with_status(instance: str, callback: str) -> str:
    stored = callback.format(outcome=_OUTCOME_OF_EVENTS)
    return f"WITH {instance}, {_STATUS}, {stored}, {_FOLLOW_UP}"


def _without_status(instance: str, callback: str) -> str:
    return f"WITH {instance}, {callback.format(outcome='%(outcome)s')}, {_FOLLOW_UP}"


STORE_STATUS = _with_status(_INSTANCE, _CALLBACK)
STORE_CALLBACK = _without_status(_INSTANCE, _CALLBACK)
SETTLE_STATUS = _with_status(_QUARANTINED, _SETTLED)
SETTLE_CALLBACK = _without_status(_QUARANTINED, _SETTLED)
DERIVE = f"WITH {_GIVEN}, {_STATUS} SELECT count(*) FROM event"  # noqa: S608

_VALUE = re.compile(r"%\((\w+)\)s(?:::(\w+))?")


def _of_row(text: str) -> str:
    """The same SQL, its values taken from the row `given`, where they have their types."""
    return _VALUE.sub(r"given.\1", text)


def _columns(*texts: str) -> str:
    """The row that `texts` take their values from, as a list of columns with their types."""
    types = {"ids": "json", "version": "int4"}
    for name, cast in _VALUE.findall(" ".join(texts)):
        types.setdefault(name, "text")
        if cast:
            types[name] = cast
    return ", ".join(f"{name} {kind}" for name, kind in types.items())


_ROW = _columns(KNOWN_INSTANCE, _MESSAGE, _EVENT, _CALLBACK)

# As STORE_STATUS, for many. No two of them name the same message: a statement cannot change a row
# twice. The ids are sorted as Python sorts them, so that locks are taken in one order here too; who
# waits for a lock keeps all the others waiting, so none of them does for long.
STORE_TOGETHER = f"""
WITH database_timeout AS MATERIALIZED (
    SELECT set_config('lock_timeout', '200ms', true)
), given AS MATERIALIZED (
    SELECT entry.* FROM database_timeout, json_to_recordset(%(entries)s::json) AS entry({_ROW})
), known AS MATERIALIZED (
    SELECT given.*, instance.id AS instance_id, instance.token_check
    -- The limit has each looked up by the index, however many instances there are.
    FROM given CROSS JOIN LATERAL ({_of_row(KNOWN_INSTANCE)} LIMIT 1) AS instance
), named AS MATERIALIZED (
    SELECT given.*, id.value AS message
    FROM known AS given CROSS JOIN LATERAL json_array_elements_text(given.ids) AS id
), message AS (
    INSERT INTO whatsapp_message AS known ({MESSAGE_COLUMNS})
    SELECT given.instance_id, given.message, {_of_row(_MESSAGE)}
    FROM named AS given
    ORDER BY given.message COLLATE "C", given.instance_id
    ON CONFLICT (zapi_id, instance_id) DO UPDATE SET {message_update(POSTGRESQL)}
    RETURNING known.id, known.zapi_id, known.instance_id
), placed AS MATERIALIZED (
    SELECT named.*, message.id AS message_id
    FROM message JOIN named ON named.message = message.zapi_id
                           AND named.instance_id = message.instance_id
), event AS (
    INSERT INTO whatsapp_statusevent AS known ({EVENT_COLUMNS})
    SELECT given.message_id, {_of_row(_EVENT)}
    FROM placed AS given
    ON CONFLICT ({EVENT_IDENTITY}) DO UPDATE SET {event_update(POSTGRESQL)}
    RETURNING known.message_id, repeats = 0 AS is_new
), told AS (
    SELECT placed.callback_id,
           CASE WHEN bool_or(event.is_new) THEN 'applied' ELSE 'repeated' END AS outcome
    FROM event JOIN placed USING (message_id) GROUP BY placed.callback_id
), stored AS (
    INSERT INTO whatsapp_callback ({CALLBACK_COLUMNS})
    SELECT given.callback_id, given.instance_id, given.type, given.received_at, told.outcome,
           given.cause, given.token_check, given.size, given.body
    FROM known AS given JOIN told USING (callback_id)
    RETURNING id, instance_id, type, outcome
), follow_up AS (
    INSERT INTO whatsapp_followup ({FOLLOW_UP_COLUMNS})
    SELECT id, instance_id, type, NULL, NULL, NULL FROM stored
)
SELECT json_object_agg(id, json_build_array(instance_id, outcome)) FROM stored"""  # noqa: S608
