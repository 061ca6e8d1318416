"""The values from the environment and .env.

settings.py uses them, and prepare(), which runs before settings.py is loaded.
"""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from . import keyring, private_files, secret_files

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")
secret_files.read(os.environ)
env = environ.Env()

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "data"))).resolve()
# Where callbacks are kept while the database is down. The disk must be persistent.
SPOOL_PATH = Path(env.str("SPOOL_PATH", default=str(DATA_DIR / "spool.sqlite3"))).resolve()
DATABASE = env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'statusboard.sqlite3'}")
_SQLITE, _POSTGRESQL = "django.db.backends.sqlite3", "django.db.backends.postgresql"
if password := os.environ.get("DATABASE_PASSWORD"):
    DATABASE["PASSWORD"] = password
IS_EMBEDDED = DATABASE["ENGINE"] == _SQLITE
_embedded = [Path(DATABASE["NAME"])] if IS_EMBEDDED else []
# The SQLite files, without ":memory:".
PRIVATE_DATABASES = [path for path in (*_embedded, SPOOL_PATH) if path.is_absolute()]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
METRICS_DIR = Path(env.str("PROMETHEUS_MULTIPROC_DIR", default=str(DATA_DIR / "metrics")))


def prepare() -> None:
    """Create the data folder, which only its owner may read.

    If the default SQLite database is used, also create the secrets. Every process calls this before
    it loads the settings. The settings create nothing. Raises ImproperlyConfigured if secrets are
    missing and must not be generated, or if the database is not PostgreSQL or SQLite.
    """
    if DATABASE["ENGINE"] not in {_SQLITE, _POSTGRESQL}:
        raise ImproperlyConfigured("DATABASE_URL must name postgres:// or sqlite:///.")
    private_files.keep_private(DATA_DIR, PRIVATE_DATABASES)
    for folder in (*(path.parent for path in PRIVATE_DATABASES), STATIC_ROOT, METRICS_DIR):
        folder.mkdir(parents=True, exist_ok=True)
    keyring.supply(
        os.environ,
        DATA_DIR / "secrets.env",
        may_generate=IS_EMBEDDED or env.bool("STATUSBOARD_GENERATE_SECRETS", default=False),
    )
