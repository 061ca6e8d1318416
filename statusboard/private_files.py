"""Files of this server that nobody else on the machine may read.

The databases and the spool hold phone numbers and encrypted tokens, and `secrets.env` the keys.
"""

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISVTX
from typing import Final

_OTHERS: Final = 0o077
# All that Statusboard puts into its data folder.
_OUR_NAMES: Final = (
    *("*.sqlite3", "*.sqlite3[-.]*", "secrets.env", "secrets.env.*", "*.lock", "*.log"),
    *("*.turn", "*.keys.json*"),
    *("static", "metrics", "demo", "exports"),
)
# What lies beside a spool: its locks, and which keys are retired.
_BESIDE: Final = (".lock", ".turn", ".keys.json")


def keep_private(folder: Path, databases: Iterable[Path]) -> None:
    """Make new files private, and take the rights of others from those that are there.

    A database may lie outside of the folder. Changes nothing that belongs to another user.
    """
    os.umask(_OTHERS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in open_to_others(folder, databases):
        try:
            path.chmod(S_IMODE(path.lstat().st_mode) & ~_OTHERS)
        except OSError:
            continue  # the system check says so


def open_to_others(folder: Path, databases: Iterable[Path]) -> list[Path]:
    """What others on this machine may read or enter."""
    paths = [*_of_folder(folder), *_files_of(databases)]
    return [path for path in dict.fromkeys(paths) if _is_open(path)]


def _of_folder(folder: Path) -> Iterator[Path]:
    try:
        inside = list(folder.iterdir())
    except OSError:
        return
    ours = [path for path in inside if any(fnmatch(path.name, name) for name in _OUR_NAMES)]
    yield from ours
    # A folder that holds something else may have to be open to others. Its files are private.
    if len(ours) == len(inside):
        yield folder


def _files_of(databases: Iterable[Path]) -> Iterator[Path]:
    """Each database, what SQLite keeps beside it (-wal, -shm, -journal), and the spool's files."""
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
    # A sticky folder is meant to be shared, as the system's temporary one is.
    is_shared = S_ISDIR(mode) and bool(mode & S_ISVTX)
    return is_ours and not is_shared and bool(S_IMODE(mode) & _OTHERS)
