"""Whether an error says that the database is away, or that one statement's own values are wrong."""

from django.db import DataError, Error, IntegrityError

# SQLSTATE classes that speak of one statement's values; all others (08 connection, 42 schema or
# rights, 53 resources, 55 locks, 57 shutdown, ...) would meet any callback.
_OWN_FAULT = ("21", "22", "23", "54")


def is_away(error: Exception) -> bool:
    """Whether anybody would have met this error, rather than this one row alone."""
    if isinstance(error, DataError | IntegrityError) or not isinstance(error, Error):
        return False
    state: str = getattr(error.__cause__, "sqlstate", None) or ""
    too_big = getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_TOOBIG"
    return not (state.startswith(_OWN_FAULT) or too_big)
