"""The files and functions that the docs name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("bench", "messages", "statusboard", "tests")
FILES = [
    ROOT / "manage.py",
    *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")),
]
# The operator makes these.
GENERATED = {"deploy/docker/statusboard.env", "deploy/docker/acme", "deploy/docker/tls"}
# `file.py`: `function`, `another`
FUNCTIONS = re.compile(r"`([\w/]+\.py)`: (`\w+`(?:, `\w+`)*)")


def text_of(document: str) -> str:
    return (ROOT / "docs" / document).read_text()


def files_named(name: str) -> list[Path]:
    return [path for path in FILES if path.as_posix().endswith(f"/{name}")]


@pytest.mark.parametrize(
    "document",
    ["api.md", "architecture.md", "developer.md", "install.md", "operator.md", "security.md"],
)
def test_document_python_files_exist(document):
    named = set(re.findall(r"`([\w/]+\.py)`", text_of(document)))
    assert {name for name in named if not files_named(name)} == set()


@pytest.mark.parametrize("document", ["install.md", "operator.md"])
def test_document_deployment_files_exist(document):
    named = set(re.findall(r"\bdeploy/[\w./-]*\w", text_of(document)))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} <= GENERATED


def test_architecture_functions_exist():
    found = FUNCTIONS.findall(text_of("architecture.md"))
    assert len(found) > 20
    missing = {
        (file, name)
        for file, names in found
        for name in re.findall(r"\w+", names)
        if not any(
            re.search(rf"^ *(def|class) {name}\b", path.read_text(), re.MULTILINE)
            for path in files_named(file)
        )
    }
    assert missing == set(), "docs/architecture.md names functions that do not exist"


def test_architecture_packages_are_listed():
    folders = {
        path.name for path in (ROOT / "messages").iterdir() if (path / "__init__.py").exists()
    }
    unlisted = folders - {"migrations"} - set(re.findall(r"`(\w+)/", text_of("architecture.md")))
    assert unlisted == set()
