"""One round trip: instance, messages, events and callback in a single prepared statement."""

import re
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection

from .entry import Entry
from .rules import (
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

# The ids come sorted, so that two callbacks naming the same messages take their locks in one order.
_STATUS = f"""
message AS (
    INSERT INTO whatsapp_message AS known ({MESSAGE_COLUMNS})
    SELECT known_instance.id, given.zapi_id, %(zaap_id)s, %(rank)s::int2, %(phone)s,
           %(is_group)s::bool, false, %(inbound)s::bool,
           %(received_at)s::timestamptz, %(occurred_at)s::timestamptz, %(own_time)s::timestamptz,
           %(accepted_at)s::timestamptz, %(sent_at)s::timestamptz, %(failed_at)s::timestamptz,
           %(failure)s, %(delivered_at)s::timestamptz, %(read_at)s::timestamptz,
           %(played_at)s::timestamptz, %(by_us_at)s::timestamptz
    FROM known_instance, unnest(%(ids)s::text[]) WITH ORDINALITY AS given(zapi_id, place)
    ORDER BY given.place
    ON CONFLICT (zapi_id, instance_id) DO UPDATE SET {message_update(POSTGRESQL)}
    RETURNING known.id
), event AS (
    INSERT INTO whatsapp_statusevent AS known ({EVENT_COLUMNS})
    SELECT message.id, %(type)s, %(status)s, %(raw_status)s, %(momment)s,
           %(occurred_at)s::timestamptz, %(time_is_arrival)s::bool, %(received_at)s::timestamptz,
           %(phone)s, %(participant)s, %(device)s::int4, %(reason)s, 0, %(callback_id)s::uuid
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
           {DROPPED_BODY.format(instance="stored.instance_id", body="%(dropped_body)s::bytea")}
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


class _Statement:
    """SQL in PostgreSQL's own form ($1, $2, …), turned into it once and not at every call.

    Turning costs psycopg more than all the rest of a call, and it remembers short texts only.
    """

    def __init__(self, text: str) -> None:
        self._names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        numbered = re.sub(r"%\((\w+)\)s", lambda found: numbers[found[1]], text)
        self._text = numbered.replace("%%", "%").encode()

    def run(self, raw: psycopg.Connection[Any], parameters: dict[str, Any]) -> Any:
        values = [_adapt(parameters[name]) for name in self._names]
        # Not Django's cursor: it binds on the client's side, where nothing can be prepared.
        with psycopg.RawCursor(raw) as cursor:
            return cursor.execute(self._text, values, prepare=True).fetchone()


_store_status = _Statement(STORE_STATUS)
_store_callback = _Statement(STORE_CALLBACK)
_settle_status = _Statement(_with_status(_QUARANTINED, _SETTLED))
_settle_callback = _Statement(_without_status(_QUARANTINED, _SETTLED))
_derive = _Statement(f"WITH {_GIVEN}, {_STATUS} SELECT count(*) FROM event")  # noqa: S608


def store(entry: Entry) -> tuple[int, str] | None:
    """Commit an entry; gives (instance pk, outcome), or None where the key opens nothing."""
    return _run(_store_status if entry.status else _store_callback, entry.parameters())


def settle(entry: Entry) -> tuple[int, str] | None:
    """Store an entry in place of its quarantined callback; None where that is there no longer."""
    return _run(_settle_status if entry.status else _settle_callback, entry.parameters())


def derive(entry: Entry, instance_id: int) -> None:
    """Messages and events alone, of a callback that is stored."""
    _run(_derive, entry.parameters() | {"instance_id": instance_id})


def _run(statement: _Statement, parameters: dict[str, Any]) -> tuple[int, str] | None:
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    raw.prepare_threshold = raw.prepare_threshold or 1
    with connection.wrap_database_errors:
        row: tuple[int, str] | None = statement.run(raw, parameters)
        return row


def _adapt(value: Any) -> Any:
    """As text, which the statement casts: one type per place, so one plan, whatever is absent."""
    match value:
        case str() | bytes() | None:
            return value
        case tuple():
            return list(value)
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
