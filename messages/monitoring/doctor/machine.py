"""This server: disks and files."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import Error
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from messages.ingest import spool_has_room, spool_state
from statusboard.private_files import open_to_others

from .database import local_folder
from .findings import Finding, ok, problem, warning

_LITTLE: Final = 2**30  # bytes


def disk() -> Iterator[Finding]:
    """Free space for the data folder, the spool and a database on this machine."""
    if reason := spool_state().problem:
        text = _("The offline buffer cannot be read: %(reason)s. Check SPOOL_PATH and its rights.")
        yield problem(text % {"reason": reason})
    least: tuple[int, Path] | None = None
    for folder in _folders():
        with suppress(OSError):
            free = shutil.disk_usage(folder).free
            least = min(least or (free, folder), (free, folder))
    if least is None:
        yield problem(_("The data folder cannot be read. Check DATA_DIR and its rights."))
        return
    values = {"free": filesizeformat(least[0]), "folder": least[1]}
    if least[0] < settings.SPOOL_MIN_FREE or not spool_has_room():
        yield problem(
            _(
                "The disk of %(folder)s is full: %(free)s are free. Delete files or enlarge the "
                "disk, because callbacks are refused while the database is down."
            )
            % values
        )
    elif least[0] < _LITTLE:
        yield warning(
            _("The disk of %(folder)s has only %(free)s free. Delete files or enlarge it.") % values
        )
    else:
        yield ok(_("%(free)s are free on the fullest disk (%(folder)s).") % values)


def files() -> Iterator[Finding]:
    """Files with secrets or messages: only their owner may read them, and it is our user."""
    env_file = settings.BASE_DIR / ".env"
    is_open = env_file.exists() and bool(env_file.stat().st_mode & 0o077)
    opened = [env_file] if is_open else []
    opened += open_to_others(settings.DATA_DIR, settings.PRIVATE_DATABASES)
    for path in opened:
        text = _("Other users of this server can read %(path)s. Run: chmod go= %(path)s")
        yield problem(text % {"path": path})
    foreign = [path for path in _kept() if path.exists() and path.stat().st_uid != os.geteuid()]
    for path in foreign:
        yield warning(
            _(
                "%(path)s belongs to another user. Run this as Statusboard’s user, or run chown on "
                "the file."
            )
            % {"path": path}
        )
    if not opened and not foreign:
        yield ok(_("Only Statusboard’s user can read its files."))


def _kept() -> list[Path]:
    folder: Path = settings.DATA_DIR
    return [folder, folder / "secrets.env", *settings.PRIVATE_DATABASES]


def _folders() -> Iterator[Path]:
    yield settings.DATA_DIR
    yield from (path.parent for path in settings.PRIVATE_DATABASES)
    with suppress(Error):  # the check of the database reports it
        if folder := local_folder():
            yield Path(folder)
