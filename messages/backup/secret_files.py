"""The three secrets, encrypted with a passphrase.

Reading them needs no settings, because a new server has no secrets yet:

    python -m messages.backup.secret_files ARCHIVE --passphrase-file FILE >> .env
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from .archive import ArchiveError, opened

MEMBER: Final = "secrets.encrypted"
MIN_PASSPHRASE: Final = 12
# The cost of one guess: 128 MiB and some tenths of a second.
_COST: Final = {"n": 2**17, "r": 8, "p": 1}


class PassphraseError(ValueError):
    """The passphrase is too short or wrong."""


def read_passphrase(path: Path) -> str:
    """Raises OSError or PassphraseError."""
    passphrase = path.read_text().strip()
    if len(passphrase) < MIN_PASSPHRASE:
        raise PassphraseError(f"{path} must contain at least {MIN_PASSPHRASE} characters.")
    return passphrase


def encrypt(secrets: Mapping[str, str], passphrase: str) -> bytes:
    salt = os.urandom(16)
    token = _fernet(passphrase, salt, _COST).encrypt(json.dumps(dict(secrets)).encode())
    return json.dumps({**_COST, "salt": salt.hex(), "token": token.decode()}).encode()


def decrypt(data: bytes, passphrase: str) -> dict[str, str]:
    """Raises PassphraseError."""
    sealed = json.loads(data)
    fernet = _fernet(passphrase, bytes.fromhex(sealed["salt"]), sealed)
    try:
        secrets: dict[str, str] = json.loads(fernet.decrypt(sealed["token"].encode()))
    except InvalidToken:
        raise PassphraseError("The passphrase is wrong.") from None
    return secrets


def _fernet(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> Fernet:
    key = Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"])
    return Fernet(base64.urlsafe_b64encode(key.derive(passphrase.encode())))


def main() -> str:
    """The lines for .env."""
    parser = argparse.ArgumentParser(description="Prints the secrets of a backup as lines of .env.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--passphrase-file", type=Path, required=True)
    given = parser.parse_args()
    with opened(given.archive) as archive:
        archive.verify()
        if MEMBER not in archive:
            raise ArchiveError(f"{given.archive} contains no secrets.")
        sealed = archive.open(MEMBER).read()
    secrets = decrypt(sealed, read_passphrase(given.passphrase_file))
    return "".join(f"{name}={value}\n" for name, value in secrets.items())


if __name__ == "__main__":
    try:
        sys.stdout.write(main())
    except (ArchiveError, PassphraseError, OSError) as problem:
        sys.exit(str(problem))
