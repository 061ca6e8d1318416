"""Secrets in files, by settings such as SECRET_KEY_FILE."""

import subprocess
import sys
from pathlib import Path

from tests.plugins.processes import ROOT, fresh_environment


def check(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=fresh_environment(folder / "data", **settings),
        capture_output=True,
        text=True,
        check=False,
    )


def test_secret_in_a_file_replaces_the_value(tmp_path):
    file = tmp_path / "key"
    file.write_text("too-short\n")
    told = check(tmp_path, SECRET_KEY="k3y-" * 10, SECRET_KEY_FILE=str(file))
    assert "SECRET_KEY is short" in told.stderr


def test_missing_secret_file_is_named_without_a_traceback(tmp_path):
    told = check(tmp_path, SECRET_KEY_FILE="/nowhere/key")
    assert told.returncode == 1
    assert told.stderr == (
        "SECRET_KEY_FILE names /nowhere/key, which cannot be read: No such file or directory.\n"
    )


def test_secret_file_that_is_not_text_is_not_shown(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(b"secret-\xff\xfe")
    told = check(tmp_path, SECRET_KEY_FILE=str(file))
    assert told.returncode == 1
    assert "secret-" not in told.stderr
