"""The statement that stores a callback, run by PostgreSQL's own load generator."""

import re
import subprocess
import tempfile
import time

from bench.board import psql, shell

CLIENTS = 8


def pgbench(database: str, seconds: float) -> float:
    """Transactions per second of our own statement, from PostgreSQL's own load generator."""
    output = _pgbench(database, "-T", str(int(seconds)))
    found = re.search(r"tps = ([\d.]+)", output)
    assert found, output
    return float(found[1])


def wal_records(database: str, transactions: int) -> int:
    """The number of records in PostgreSQL's log (WAL) for `transactions` of each client.

    The same number on a busy machine. Nobody else may write to this PostgreSQL meanwhile.
    """
    before = _wal_records(database)
    _pgbench(database, "-t", str(transactions))
    return _wal_records(database) - before


def _wal_records(database: str) -> int:
    time.sleep(1)  # PostgreSQL counts a connection's records within a second of its end
    return int(psql(database, "SELECT wal_records FROM pg_stat_wal"))


def _pgbench(database: str, *until: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(our_statement(database))
        script.flush()
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-D", "n=0"]
        command += ["-D", f"seed={time.time_ns() % 10**9}", *until, "-f", script.name, database]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# The same messages as in load.lua: three steps, 200 messages apart. One callback in three has four
# ids. Each pgbench client has its own counter.
LIFE = r"""
\set n :n + 1
\set step :n % 3
\set message :n / 3 + (2 - :step) * 200
"""
_NAME = "'pgbench-' || :seed::text || '-' || :client_id::text || '-' || :message::text"
_IDS = f"""(SELECT json_agg({_NAME} || '-' || place) FROM generate_series(
    1, CASE WHEN :message::int % 3 = 0 THEN 4 ELSE 1 END) AS place)"""


def _at_step(number: int, value: str) -> str:
    return f"CASE WHEN :step::int = {number} THEN {value} END"


def our_statement(database: str) -> str:
    """The SQL of messages.ingest.postgresql, with literals and pgbench variables inserted."""
    code = "from messages.ingest.postgresql_statements import STORE_STATUS; print(STORE_STATUS)"
    text = shell(database, code)
    word = "(ARRAY['SENT', 'RECEIVED', 'READ'])[:step::int + 1]"
    values = {
        "ids": _IDS,
        "callback_id": "gen_random_uuid()",
        "occurred_at": "now()",
        "own_time": "now()",
        "received_at": "now()",
        "sent_at": _at_step(0, "now()"),
        "delivered_at": _at_step(1, "now()"),
        "read_at": _at_step(2, "now()"),
        "rank": "(ARRAY[20, 30, 40])[:step::int + 1]",
        "version": "1",
        "device": "0",
        "size": "200",
        "is_group": "false",
        "inbound": "false",
        "time_is_arrival": "false",
        "zapi_id": "'bench-instance'",
        "status": word,
        "raw_status": word,
        "type": "'MessageStatusCallback'",
        "momment": "'1795338000000'",
        "phone": "'5544999999999'",
        "body": "convert_to(repeat('x', 200), 'UTF8')",
    }
    values |= dict.fromkeys(
        ("dispatched_at", "failed_at", "played_at", "by_us_at", "dropped_body"), "NULL"
    )
    values |= dict.fromkeys(("cause_values", "lid", "number", "facts"), "NULL")
    text = re.sub(r"%\((\w+)\)s", lambda match: values.get(match[1], "''"), text)
    return f"{LIFE}{text.replace('%%', '%')};\n"
