"""Static files with a hash in their names, so that browsers can keep them for good."""

from datetime import UTC, datetime

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types
    """Writes names with a hash, and gives them out to every process that starts after that.

    Before the files are collected (a checkout, the tests) names stay plain, and so does the name of
    a file that was not collected: a missing picture must not cost a page.

    The files of an older release stay, for processes of that release that still run, and for pages
    that are open in a browser.
    """

    def stored_name(self, name: str) -> str:
        found: str = self.hashed_files.get(self.hash_key(name), name)
        return found

    def get_modified_time(self, name: str) -> datetime:
        """Long ago, so that files are always collected: a new release may contain older ones."""
        return datetime.fromtimestamp(0, UTC)
