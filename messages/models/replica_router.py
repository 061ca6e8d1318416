"""Which queries of a page may go to a streaming replica (REPLICA_DATABASE_URL)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.db import DEFAULT_DB_ALIAS, models

REPLICA: Final = "replica"
# Messages, what is known about them, and figures. They may be some seconds old. Everything else,
# such as sessions, people and settings, is always read from the primary.
_READ_MODELS: Final = {
    *("message", "statusevent", "callback", "label", "answer", "writing", "alias"),
    *("knownaddress", "hourlysummary", "dailysummary", "dailyfailure"),
}
_reads: ContextVar[bool] = ContextVar("reads go to the replica", default=False)


@contextmanager
def reading_from_replica() -> Iterator[None]:
    """Send the reads of this thread to the replica within the block."""
    token = _reads.set(True)
    try:
        yield
    finally:
        _reads.reset(token)


class ReplicaRouter:
    def db_for_read(self, model: type[models.Model], **_: object) -> str:
        is_read_model = (
            model._meta.app_label == "whatsapp" and model._meta.model_name in _READ_MODELS
        )
        return REPLICA if is_read_model and _reads.get() else DEFAULT_DB_ALIAS

    def db_for_write(self, model: type[models.Model], **_: object) -> str:
        # Without this answer, Django would write a row to the database that it was read from.
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: models.Model, other: models.Model, **_: object) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **_: object) -> bool | None:
        """The replica gets its tables by replication."""
        return False if db == REPLICA else None
