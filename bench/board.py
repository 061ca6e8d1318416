"""Helpers that create a Statusboard database and run manage.py commands for the benchmarks."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# For every connection of a benchmark, so that a server with another default is measured fairly.
os.environ["PGOPTIONS"] = "-c synchronous_commit=on"


def environment(database: str) -> dict[str, str]:
    """The environment variables that make Statusboard use `database`."""
    return {
        "DATABASE_URL": database,
        "DATA_DIR": f"{tempfile.gettempdir()}/statusboard-bench",
        "STATUSBOARD_GENERATE_SECRETS": "1",
        "DJANGO_SETTINGS_MODULE": "statusboard.settings",
        # Same as `manage.py serve`: templates are compiled only once.
        "DEBUG": "off",
    }


def manage(database: str, *arguments: str) -> str:
    """Run manage.py and return its output."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | environment(database),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def shell(database: str, code: str) -> str:
    """Run Python code in `manage.py shell` and return its output."""
    return manage(database, "shell", "--no-imports", "--command", code)


def psql(database: str, statement: str) -> str:
    command = ["psql", "-qAt", database, "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def ask(database: str, statement: str) -> str:
    """Return the first value of a query on SQLite or PostgreSQL, or '' without a row."""
    if database.startswith("postgres"):
        return psql(database, statement)
    with closing(sqlite3.connect(_file(database))) as connection:
        row = connection.execute(statement).fetchone()
    return str(row[0]) if row else ""


def exists(database: str) -> bool:
    if not database.startswith("postgres"):
        return _file(database).exists()
    name = database.rsplit("/", 1)[1]
    return bool(psql(maintenance(database), f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


def make_empty(database: str) -> None:
    """Drop the database and create it again with empty tables."""
    if database.startswith("postgres"):
        recreate(database)
    else:
        _file(database).unlink(missing_ok=True)
    manage(database, "migrate", "--verbosity", "0")


def drop(database: str) -> None:
    name = database.rsplit("/", 1)[1]
    psql(maintenance(database), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def recreate(database: str, template: str = "template1") -> None:
    """Drop a PostgreSQL database and create it again as a copy of the template."""
    drop(database)
    name = database.rsplit("/", 1)[1]
    psql(maintenance(database), f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def _file(database: str) -> Path:
    return Path(database.removeprefix("sqlite:///"))


def maintenance(database: str) -> str:
    return database.rsplit("/", 1)[0] + "/postgres"
