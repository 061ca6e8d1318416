"""statusboard.__version__ is the only place where the version is written."""

import re
import tomllib
from pathlib import Path

from statusboard import __version__

ROOT = Path(__file__).resolve().parents[2]


def test_changelog_newest_release_is_the_current_version():
    releases = re.findall(r"^## (\d+\.\d+\.\d+) ", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert releases[0] == __version__


def test_pyproject_version_is_read_from_the_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["project"]["dynamic"] == ["version"]
    assert settings["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "statusboard.__version__"
