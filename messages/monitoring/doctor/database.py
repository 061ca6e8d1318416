"""The database: settings, clock, migrations. Works with PostgreSQL and SQLite."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django.utils.translation import gettext as _

from .findings import Finding, ok, problem, warning

_MIN_POSTGRESQL: Final = 14
# Connections of a worker, of `manage.py` commands, and those that PostgreSQL reserves.
_OTHER_CONNECTIONS: Final = 13 + 2 + 3
# In seconds.
_MAX_CLOCK_ERROR: Final = 5
_WAL, _FULL = "wal", 2


def settings_of_database() -> Iterator[Finding]:
    is_sqlite = connection.vendor == "sqlite"
    found = list(_sqlite() if is_sqlite else _postgresql())
    yield from found or [ok(_("The database’s settings are right."))]


def migrations() -> Iterator[Finding]:
    applied = MigrationRecorder(connection).applied_migrations()
    missing = [f"{app}.{name}" for app, name in _newest_migrations() if (app, name) not in applied]
    if missing:
        values = {"names": ", ".join(missing)}
        yield problem(_("Migrations are missing: %(names)s. Run manage.py migrate.") % values)
    else:
        yield ok(_("All migrations are applied."))


@cache
def _newest_migrations() -> list[tuple[str, str]]:
    """The last migration of each app, from the files of this version."""
    return sorted(MigrationLoader(None).graph.leaf_nodes())


def _sqlite() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        mode = str(cursor.execute("PRAGMA journal_mode").fetchone()[0])
        synchronous = int(cursor.execute("PRAGMA synchronous").fetchone()[0])
    if mode.lower() != _WAL:
        yield problem(
            _(
                "SQLite’s journal mode is %(mode)s instead of WAL, so pages and callbacks block "
                "each other. Put the database on a local disk, not on a network drive."
            )
            % {"mode": mode}
        )
    if synchronous < _FULL:
        yield problem(
            _(
                "SQLite does not wait for the disk, so a power failure can lose callbacks. Remove "
                "the setting PRAGMA synchronous."
            )
        )
    if settings.IS_HTTPS and not settings.DEMO:
        yield warning(_("The database is SQLite. Use PostgreSQL in production: set DATABASE_URL."))


_VALUES: Final = (
    *("server_version_num", "server_version", "fsync", "full_page_writes"),
    *("synchronous_commit", "max_connections"),
)


def _postgresql() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        columns = ", ".join(f"current_setting('{name}')" for name in _VALUES)
        before = timezone.now()
        cursor.execute(f"SELECT clock_timestamp(), {columns}")
        after = timezone.now()
        now, *values = cursor.fetchone()
    yield from _durability(dict(zip(_VALUES, values, strict=True)))
    error = max((before - now).total_seconds(), (now - after).total_seconds())
    if error > _MAX_CLOCK_ERROR:
        yield warning(
            _(
                "The clocks of this server and of the database differ by %(seconds)d seconds. Turn "
                "on time synchronisation on both: timedatectl set-ntp true."
            )
            % {"seconds": error}
        )


def _durability(found: dict[str, Any]) -> Iterator[Finding]:
    if int(found["server_version_num"]) < _MIN_POSTGRESQL * 10_000:
        yield problem(
            _("PostgreSQL %(version)s is too old. Upgrade it to version %(needed)d or newer.")
            % {"version": found["server_version"], "needed": _MIN_POSTGRESQL}
        )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if found[name] == "off":
            yield problem(
                _(
                    "PostgreSQL’s setting %(name)s is off, so a power failure can lose callbacks. "
                    "Set it to on."
                )
                % {"name": name}
            )
    # During a reload, up to half as many threads again are connected.
    threads = settings.WEB_WORKERS * settings.WEB_THREADS
    needed = threads * 3 // 2 + _OTHER_CONNECTIONS
    if int(found["max_connections"]) < needed:
        yield warning(
            _(
                "PostgreSQL allows %(allowed)s connections, but Statusboard needs up to "
                "%(needed)d. Raise max_connections, or lower WEB_THREADS."
            )
            % {"allowed": found["max_connections"], "needed": needed}
        )


def local_folder() -> str:
    """The folder of a PostgreSQL server on this machine, if its user may see it, or ''."""
    host = str(settings.DATABASES["default"].get("HOST") or "")
    is_local = not host or host.startswith("/") or host in {"localhost", "127.0.0.1", "::1"}
    if connection.vendor == "sqlite" or not is_local:
        return ""
    with connection.cursor() as cursor:
        # The view hides the row. current_setting() would raise an error.
        cursor.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
        row = cursor.fetchone()
    return row[0] if row and os.path.exists(row[0]) else ""
