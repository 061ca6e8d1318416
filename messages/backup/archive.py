"""The archive of a backup: a tar file whose last member, the manifest, has all checksums.

A tar header comes before its data and names the size. It is written again once the size is known,
so that a dump streams into the archive and needs no second place on the disk.
"""

import hashlib
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_CHUNK: Final = 1024 * 1024

Progress = Callable[[str], None]


class ArchiveError(Exception):
    """The file is not a complete and undamaged archive. The error says why."""


class Sink:
    """Writes to the archive; measures and hashes what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the archive is flushed once, at its end."""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class ArchiveWriter:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._files: dict[str, dict[str, Any]] = {}

    @contextmanager
    def member(self, name: str) -> Iterator[Sink]:
        start = self._file.tell()
        self._file.write(bytes(tarfile.BLOCKSIZE))
        sink = Sink(self._file)
        yield sink
        self._file.write(bytes(-sink.size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, sink.size))
        self._file.seek(end)
        self._files[name] = {"size": sink.size, "sha256": sink.sha256}

    def finish(self, manifest: dict[str, Any]) -> None:
        whole = {"format": FORMAT, **manifest, "files": dict(self._files)}
        with self.member(MANIFEST) as sink:
            sink.write(json.dumps(whole, indent=2).encode())
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))


def _header(name: str, size: int) -> bytes:
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, 0o600, int(time.time())
    return header.tobuf(tarfile.GNU_FORMAT)


class Archive:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        try:
            self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115  (the file is closed)
            self.manifest: dict[str, Any] = json.loads(self.open(MANIFEST).read())
            self._files: dict[str, dict[str, Any]] = self.manifest["files"]
        except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
            raise ArchiveError(f"{path} is not a complete archive of Statusboard.") from error
        if self.manifest.get("format") != FORMAT:
            raise ArchiveError(f"{path} was made by a newer version of Statusboard.")

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def open(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(name)
        if file is None:
            raise KeyError(name)
        return file

    def offset(self, name: str) -> int:
        """Where the data of a member begins in the file."""
        return self._tar.getmember(name).offset_data

    def verify(self) -> None:
        """Compare all checksums. Raises ArchiveError."""
        for name, expected in self._files.items():
            try:
                with self.open(name) as file:
                    found = hashlib.sha256()
                    while chunk := file.read(_CHUNK):
                        found.update(chunk)
            except (tarfile.TarError, KeyError, OSError) as error:
                raise ArchiveError(f"{self.path} is damaged: {name} cannot be read.") from error
            if found.hexdigest() != expected["sha256"]:
                raise ArchiveError(f"{self.path} is damaged: the checksum of {name} differs.")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Raises OSError, or ArchiveError if the file has no readable manifest."""
    with path.open("rb") as file:
        yield Archive(path, file)
