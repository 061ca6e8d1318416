"""The commit that this code was built from, beside `statusboard.__version__`."""

import os
import subprocess
from pathlib import Path


def commit(folder: Path) -> str:
    """BUILD_COMMIT, which images set; otherwise the commit of a git checkout, or ''."""
    return os.environ.get("BUILD_COMMIT", "") or _checked_out(folder)


def _checked_out(folder: Path) -> str:
    if not (folder / ".git").exists():
        return ""
    # The folder may belong to another user than this process.
    command = ["git", "-c", f"safe.directory={folder}", "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(  # noqa: S603  (a fixed command)
            command, cwd=folder, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
