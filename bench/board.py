"""A board to be measured: its databases, and its commands run as an operator runs them."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(database: str) -> dict[str, str]:
    """What makes `database` the board's; to be added to this process's own environment."""
    return {
        "DATABASE_URL": database,
        "DATA_DIR": f"{tempfile.gettempdir()}/statusboard-bench",
        "STATUSBOARD_GENERATE_SECRETS": "1",
        "DJANGO_SETTINGS_MODULE": "statusboard.settings",
        # As `serve` has it: templates are compiled once.
        "DEBUG": "off",
    }


def manage(database: str, *arguments: str) -> str:
    """What `manage.py` prints."""
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
    """What Python code prints within the site."""
    return manage(database, "shell", "--no-imports", "--command", code)


def psql(database: str, statement: str) -> str:
    command = ["psql", "-qAt", database, "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def ask(database: str, statement: str) -> str:
    """The first value that a query gives, in either kind of database; '' where there is none."""
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
    """A fresh database with its tables, in place of whatever was there."""
    if database.startswith("postgres"):
        name = database.rsplit("/", 1)[1]
        psql(maintenance(database), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        psql(maintenance(database), f'CREATE DATABASE "{name}"')
    else:
        _file(database).unlink(missing_ok=True)
    manage(database, "migrate", "--verbosity", "0")


def _file(database: str) -> Path:
    return Path(database.removeprefix("sqlite:///"))


def maintenance(database: str) -> str:
    return database.rsplit("/", 1)[0] + "/postgres"
