"""The rules of truth, as the SQL that both databases run.

Each rule takes the row that stands (`known`) and the one that arrives (`excluded`) and gives the
same answer in whichever order the two come: that is what lets callbacks come late, twice and out of
order. NULL is "not reported".
"""

from dataclasses import dataclass

MESSAGE_COLUMNS = (
    "instance_id, zapi_id, zaap_id, rank, phone, is_group, several, inbound,"
    " first_heard_at, started_at, last_event_at,"
    " accepted_at, sent_at, failed_at, failure, delivered_at, read_at, played_at, by_us_at"
)
EVENT_COLUMNS = (
    "message_id, source, status, raw_status, momment, occurred_at, time_is_arrival, received_at,"
    " phone, participant, device, reason, repeats, callback_id"
)
EVENT_IDENTITY = "message_id, source, raw_status, momment, phone, participant, device, reason"
CALLBACK_COLUMNS = "id, instance_id, type, received_at, outcome, cause, token_check, size, body"
FOLLOW_UP_COLUMNS = "callback_id, instance_id, type, body, lid, number"

# The token of now or, for a while after it was replaced, the one before.
_FITS = """(%(token_digest)s = token_digest
    OR (%(token_digest)s = previous_token_digest AND %(received_at)s < previous_token_until))"""

# Keys of retired versions and of archived instances open nothing, nor does a wrong token that is
# enforced. An instance without a stored token has nothing to compare with.
KNOWN_INSTANCE = f"""
SELECT id,
       CASE WHEN token_policy = 'off' OR token_digest = '' THEN ''
            WHEN %(token_digest)s = '' THEN 'missing'
            WHEN {_FITS} THEN 'matches'
            ELSE 'differs' END AS token_check
FROM whatsapp_instance
WHERE zapi_id = %(zapi_id)s AND archived_at IS NULL
  AND %(version)s BETWEEN oldest_key_version AND key_version
  AND (token_policy <> 'enforce' OR token_digest = '' OR {_FITS})"""  # noqa: S608

# Of a callback that is replayed, its own row says which instance it belongs to.
QUARANTINED_CALLBACK = """
SELECT instance_id AS id, token_check FROM whatsapp_callback
WHERE id = %(callback_id)s AND outcome = 'quarantined'"""

# A body that is no evidence is kept only until it is forwarded.
DROPPED_BODY = """
CASE WHEN EXISTS (
    SELECT 1 FROM whatsapp_webhook
    WHERE whatsapp_webhook.instance_id = {instance} AND forward_to <> ''
) THEN {body} END"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the databases differ: collation to compare texts byte by byte, and what skips NULL."""

    collation: str
    least: str
    greatest: str

    def lesser(self, column: str) -> str:
        return f"{column} = {self.least.format(f'known.{column}', f'excluded.{column}')}"

    def greater(self, column: str) -> str:
        return f"{column} = {self.greatest.format(f'known.{column}', f'excluded.{column}')}"


# PostgreSQL's LEAST skips NULL, SQLite's min() returns it.
POSTGRESQL = Dialect('"C"', "LEAST({0}, {1})", "GREATEST({0}, {1})")
SQLITE = Dialect(
    "BINARY",
    "min(coalesce({0}, {1}), coalesce({1}, {0}))",
    "max(coalesce({0}, {1}), coalesce({1}, {0}))",
)


def _first_text(column: str, dialect: Dialect) -> str:
    """Of two texts the one that says something; of two that do, a number before a LID.

    A status callback may name the LID of someone whose number the delivery callback named.
    """

    def order(row: str) -> str:
        text = f"{row}.{column}"
        return f"({text} = '', {text} LIKE '%%@lid', {text} COLLATE {dialect.collation})"

    return (
        f"{column} = CASE WHEN {order('excluded')} < {order('known')}"
        f" THEN excluded.{column} ELSE known.{column} END"
    )


def message_update(dialect: Dialect) -> str:
    """The SET clause for a message already known."""
    times = ("accepted_at", "sent_at", "failed_at", "delivered_at", "read_at", "played_at")
    return ", ".join(
        [
            *map(dialect.lesser, ("first_heard_at", "started_at", *times, "by_us_at")),
            *map(dialect.greater, ("rank", "last_event_at")),
            *(_first_text(column, dialect) for column in ("zaap_id", "phone", "failure")),
            "is_group = known.is_group OR excluded.is_group",
            "inbound = known.inbound AND excluded.inbound",
            "several = known.several OR (known.phone <> '' AND excluded.phone <> ''"
            " AND known.phone <> excluded.phone)",
        ]
    )


def event_update(dialect: Dialect) -> str:
    """The SET clause for an event already known: one more copy, and the earliest arrival stands."""
    return ", ".join(
        [
            "repeats = known.repeats + 1",
            "time_is_arrival = known.time_is_arrival OR excluded.time_is_arrival",
            # Ids are ordered by time: of two callbacks the lesser one came first.
            *map(dialect.lesser, ("received_at", "occurred_at", "callback_id")),
        ]
    )
