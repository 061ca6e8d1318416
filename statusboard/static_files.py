"""Static files with a hash in their names, which browsers can cache forever."""

from datetime import UTC, datetime

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types
    """Adds a hash to the names when files are collected.

    Before that, in a checkout or in tests, names stay plain. So does the name of a file that was
    not collected: a missing picture must not break a page.

    Files of an older release are kept, for its running processes and for open pages.
    """

    def stored_name(self, name: str) -> str:
        found: str = self.hashed_files.get(self.hash_key(name), name)
        return found

    def get_modified_time(self, name: str) -> datetime:
        """1970, so that files are always collected: a new release may contain older files."""
        return datetime.fromtimestamp(0, UTC)
