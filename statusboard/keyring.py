"""The generated secrets, for installations that use the default SQLite database.

They are made once and kept in a file that git ignores.
"""

import base64
import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

NAMES = ("SECRET_KEY", "WEBHOOK_SIGNING_KEYS", "FIELD_ENCRYPTION_KEYS")


def _generate() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "WEBHOOK_SIGNING_KEYS": secrets.token_urlsafe(32),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def _read(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _write(path: Path, values: dict[str, str]) -> None:
    """Create the file atomically. Only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "# Made by Statusboard. Back it up together with the database: you need both.\n"
    text += "".join(f"{name}={value}\n" for name, value in values.items())
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    try:
        os.link(draft, path)  # fails if another process was first; its file is then used
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def supply(environment: MutableMapping[str, str], path: Path, *, may_generate: bool) -> None:
    """Add the secrets that `environment` lacks, from the file at `path`.

    If there is no file, generate it. If that is not allowed, raise ImproperlyConfigured with the
    names of the missing secrets.
    """
    missing = [name for name in NAMES if not environment.get(name)]
    if not missing:
        return
    if not path.exists():
        if not may_generate:
            raise ImproperlyConfigured(
                f"Statusboard will not start: {', '.join(missing)} not set. "
                "With a DATABASE_URL of your own, set these three in the environment or in .env, "
                "or name files with them (SECRET_KEY_FILE and so on). docs/install.md shows how."
            )
        _write(path, _generate())
    kept = _read(path)
    for name in missing:
        if name not in kept:
            raise ImproperlyConfigured(
                f"Statusboard will not start: {name} is missing from {path}. Put back the copy "
                "that you keep with the database's backups, or set it in the environment."
            )
        environment[name] = kept[name]
