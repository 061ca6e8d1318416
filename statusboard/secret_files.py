"""Secrets in files of their own, as container platforms and systemd hand them over."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from . import keyring

NAMES: Final = (
    *keyring.NAMES,
    *("DATABASE_URL", "DATABASE_PASSWORD", "REPLICA_DATABASE_URL", "EMAIL_URL", "METRICS_TOKEN"),
)


def read(environment: MutableMapping[str, str]) -> None:
    """Set each secret whose setting with _FILE at the end names a file.

    The file wins over a value in `environment`. Raises ImproperlyConfigured if it cannot be read.
    """
    for name in NAMES:
        path = environment.get(f"{name}_FILE")
        if not path:
            continue
        try:
            # Editors and `openssl rand` end the line.
            environment[name] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", "") or "not a text"
            raise ImproperlyConfigured(
                f"{name}_FILE names {path}, which cannot be read: {reason}."
            ) from None
