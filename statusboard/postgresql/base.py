from contextlib import suppress
from typing import Any, Final, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import RowFactory, tuple_row
from psycopg.types.datetime import TimestamptzLoader

from statusboard.databases import remaining

Result = TypeVar("Result")

# Seconds to wait for the cancellation of a query.
CANCEL_WITHIN: Final = 0.3
# Milliseconds, for web processes. It ends a query whose process was killed. Pages and callbacks
# cancel their queries much earlier.
WEB_STATEMENT_TIMEOUT: Final = 10_000

_statement_timeout = 0


def limit_statements() -> None:
    """Limit the time of each statement of this process, from its next connection on.

    Migrations, the worker's jobs and commands have no limit.
    """
    global _statement_timeout  # noqa: PLW0603  (set once, when a web process starts)
    _statement_timeout = WEB_STATEMENT_TIMEOUT


class DeadlineConnection(psycopg.Connection[Any]):
    """Stops waiting at the deadline, whatever the server does.

    The server's own timeouts do not help if it is frozen or unreachable. After the deadline the
    connection is out of sync with the server and must be closed. Its query is cancelled first,
    because the server would otherwise run it to the end.
    """

    def __init__(self, pgconn: PGconn, row_factory: RowFactory[Any] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        # The names of its prepared statements (see prepared.py).
        self.prepared: set[bytes] = set()

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        try:
            return super().wait(gen, interval, remaining() if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                with suppress(psycopg.Error):
                    self.cancel_safe(timeout=CANCEL_WITHIN)
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> DeadlineConnection:
        # Like Django's own, without the options for a pool and an isolation level.
        self.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection = DeadlineConnection.connect(**conn_params)
        # Django's loader reads a time in 3.6 µs, in Python; psycopg's in 0.2 µs, in C. A page can
        # show a thousand timestamps. psycopg's uses the session's time zone, which Django sets to
        # UTC.
        connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if _statement_timeout:
            # Not as a connection option, which PgBouncer refuses.
            with self.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, false)", [str(_statement_timeout)]
                )
            if not self.get_autocommit():
                self.connection.commit()

    def create_cursor(self, name: str | None = None) -> Any:
        """Like Django's own, but does not set a time zone on the replaced timestamp loader.

        Without the option for server-side binding, which Statusboard does not use.
        """
        if name is None:
            return self.connection.cursor()
        server_side: Any = base.ServerSideCursor  # the stub lacks its arguments
        withhold = self.connection.autocommit
        return server_side(self.connection, name, scrollable=False, withhold=withhold)
