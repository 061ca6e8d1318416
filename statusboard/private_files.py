"""Keeps this server's files private to its user.

The databases and the spool contain phone numbers and encrypted tokens. `secrets.env` contains the
keys.
"""

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISVTX
from typing import Final

_OTHERS: Final = 0o077
# Everything that Statusboard creates in its data folder.
_OUR_NAMES: Final = (
    *("*.sqlite3", "*.sqlite3[-.]*", "secrets.env", "secrets.env.*", "*.lock", "*.log"),
    *("*.turn", "*.keys.json*"),
    *("static", "metrics", "demo", "exports"),
)
# Files beside a spool: its locks and the list of retired keys.
_BESIDE: Final = (".lock", ".turn", ".keys.json")


def keep_private(folder: Path, databases: Iterable[Path]) -> None:
    """Make new files private, and remove other users' rights from existing ones.

    A database may be outside of the folder. Files of another user are not changed.
    """
    os.umask(_OTHERS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in open_to_others(folder, databases):
        try:
            path.chmod(S_IMODE(path.lstat().st_mode) & ~_OTHERS)
        except OSError:
            continue  # a system check reports it


def open_to_others(folder: Path, databases: Iterable[Path]) -> list[Path]:
    """The files and folders that other users of this machine may read."""
    paths = [*_of_folder(folder), *_files_of(databases)]
    return [path for path in dict.fromkeys(paths) if _is_open(path)]


def _of_folder(folder: Path) -> Iterator[Path]:
    try:
        inside = list(folder.iterdir())
    except OSError:
        return
    ours = [path for path in inside if any(fnmatch(path.name, name) for name in _OUR_NAMES)]
    yield from ours
    # If the folder also contains files of other programs, others may need to read it. Our files in
    # it are private anyway.
    if len(ours) == len(inside):
        yield folder


def _files_of(databases: Iterable[Path]) -> Iterator[Path]:
    """Each database, its -wal, -shm and -journal files, and the spool's other files."""
    for path in databases:
        if path.parent.is_dir():
            yield from path.parent.glob(f"{path.name}*")
            yield from (path.with_suffix(suffix) for suffix in _BESIDE)


def _is_open(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    mode = status.st_mode
    is_ours = status.st_uid == os.geteuid() and not S_ISLNK(mode)
    # A sticky folder, such as /tmp, is meant to be shared.
    is_shared = S_ISDIR(mode) and bool(mode & S_ISVTX)
    return is_ours and not is_shared and bool(S_IMODE(mode) & _OTHERS)
