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

# In seconds. A server that does not answer gets no more time for this either.
CANCEL_WITHIN: Final = 0.3
# Of web processes, in milliseconds. It ends a query whose process was killed: pages and callbacks
# give up, and cancel, long before it.
WEB_STATEMENT_TIMEOUT: Final = 10_000

_statement_timeout = 0


def limit_statements() -> None:
    """Sets a time limit for each statement of this process, from its next connection on.

    Migrations, the worker's jobs and commands have none.
    """
    global _statement_timeout  # noqa: PLW0603  (set once, when a web process starts)
    _statement_timeout = WEB_STATEMENT_TIMEOUT


class DeadlineConnection(psycopg.Connection[Any]):
    """Stops waiting at the deadline, whatever the server does.

    The server's own time-outs cannot do it: one that is frozen, or has vanished from the network,
    sends nothing at all. A connection that gave up is out of step and has to be closed. Its query
    is cancelled first: a server notices only at the query's end that nobody waits for it.
    """

    def __init__(self, pgconn: PGconn, row_factory: RowFactory[Any] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        # The names of what was prepared on it (see prepared.py).
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
        # As Django's own without a pool and without an isolation level of one's choice.
        self.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection = DeadlineConnection.connect(**conn_params)
        # Django's reads each time in Python, in 3.6 µs; psycopg's own in C, in 0.2. A page has a
        # thousand. It takes the session's time zone, which Django sets to UTC.
        connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if _statement_timeout:
            # Not as an option of the connection, which PgBouncer would refuse.
            with self.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, false)", [str(_statement_timeout)]
                )
            if not self.get_autocommit():
                self.connection.commit()

    def create_cursor(self, name: str | None = None) -> Any:
        """As Django's own, which asks the loader of times for a zone that psycopg's has not.

        Without the option of server-side binding, which this board does not set.
        """
        if name is None:
            return self.connection.cursor()
        server_side: Any = base.ServerSideCursor  # whose stub says nothing of its arguments
        withhold = self.connection.autocommit
        return server_side(self.connection, name, scrollable=False, withhold=withhold)
