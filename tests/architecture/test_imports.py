"""Packages import only inner packages, and edge packages do not import each other.

See the diagram in docs/architecture.md.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EDGES = {"webhooks", "dashboard", "templatetags", "api", "admin", "management"}
# What each part of messages/ may import from messages/, besides itself.
INWARD = {
    "domain": set(),
    "zapi": {"domain"},
    "models": {"domain"},
    "net": set(),
    "mail": {"domain", "models"},
    "ingest": {"domain", "models", "zapi"},
    "accounts": {"domain", "models"},
    "privacy": {"accounts", "domain", "ingest", "models", "zapi"},
    "answers": {"domain", "ingest", "models"},
    "labels": {"accounts", "domain", "models", "privacy"},
    "instances": {"accounts", "domain", "ingest", "models", "zapi"},
    "identities": {"domain", "ingest", "instances", "models"},
    "forwarding": {"domain", "ingest", "instances", "models", "net", "zapi"},
    "summaries": {"accounts", "domain", "ingest", "models"},
    "incidents": {"accounts", "domain", "instances", "models", "zapi"},
    "notifications": {
        *("accounts", "domain", "forwarding", "incidents", "mail", "models", "net"),
    },
    "search": {"accounts", "domain", "incidents", "instances", "models"},
    "verdicts": {
        *("accounts", "answers", "domain", "incidents", "instances", "models", "search", "zapi"),
    },
    "exports": {"accounts", "answers", "domain", "ingest", "labels", "models", "privacy", "search"},
    "monitoring": {"incidents", "ingest", "mail", "models", "net", "zapi"},
    "jobs": {
        *(
            "accounts",
            "answers",
            "exports",
            "forwarding",
            "identities",
            "incidents",
            "ingest",
            "instances",
        ),
        *("mail", "models", "notifications", "privacy", "summaries", "verdicts"),
    },
    "simulator": {"domain", "zapi"},
    "backup": {"accounts", "ingest", "models"},
}
PURE = [
    *("messages/zapi/payloads.py", "messages/zapi/times.py", "messages/zapi/webhook_kinds.py"),
    "messages/domain/addresses.py",
]


def imported(path: Path) -> set[str]:
    """Absolute names of the modules a file imports."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module or ""]))
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def parts_imported(path: Path) -> set[str]:
    """The packages of messages/ that a file imports."""
    ours = [name.split(".") for name in imported(path) if name.startswith("messages.")]
    return {name[1] for name in ours}


def files_of(part: str) -> list[Path]:
    folder = ROOT / "messages" / part
    return list(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


@pytest.mark.parametrize("part", INWARD)
def test_package_imports_only_allowed_packages(part):
    found = {(path.name, name) for path in files_of(part) for name in parts_imported(path)}
    assert {name for _, name in found} <= INWARD[part] | {part}, found


@pytest.mark.parametrize("edge", ["webhooks", "dashboard", "api", "admin"])
def test_edge_package_imports_no_other_edge_package(edge):
    for path in files_of(edge):
        assert not parts_imported(path) & (EDGES - {edge}), path


def imported_on_import(path: Path) -> set[str]:
    """The modules that a file imports at module level, outside of functions."""
    tree = ast.parse(path.read_text())
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    return {
        name
        for node in ast.walk(tree)
        if id(node) not in inner
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }


def test_statusboard_package_imports_nothing_from_messages_at_import_time():
    """Only at import time.

    As usual in Django, settings, urls and wsgi refer to modules of the app by dotted name.
    """
    for path in (ROOT / "statusboard").rglob("*.py"):
        names = imported_on_import(path)
        assert not {name for name in names if name.split(".")[0] == "messages"}, path


def test_importing_the_settings_creates_no_files(tmp_path):
    code = "import statusboard.settings"
    environment = os.environ | {"DATA_DIR": str(tmp_path / "data"), "METRICS_TOKEN": "t" * 20}
    for name in ("SECRET_KEY", "WEBHOOK_SIGNING_KEYS", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL"):
        environment.pop(name, None)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert not (tmp_path / "data").exists()


def test_every_package_of_messages_has_an_import_rule():
    folder = ROOT / "messages"
    parts = {path.relative_to(folder).parts[0] for path in folder.rglob("*.py")} - {"__init__.py"}
    parts = {part.removesuffix(".py") for part in parts}
    assert parts <= set(INWARD) | EDGES | {"apps", "migrations", "locale"}


@pytest.mark.parametrize("name", PURE)
def test_pure_module_does_not_import_django(name):
    assert not {module for module in imported(ROOT / name) if module.split(".")[0] == "django"}


@pytest.mark.parametrize(
    ("library", "user"),
    [
        ("requests", "messages/zapi/client.py"),
        # Not `requests`, which resolves host names again: it could connect to another IP than the
        # one checked.
        ("http.client", "messages/net/http_client.py"),
    ],
)
def test_http_library_is_imported_by_one_module_only(library, user):
    users = [
        path.relative_to(ROOT).as_posix()
        for folder in ("messages", "statusboard")
        for path in (ROOT / folder).rglob("*.py")
        if library in imported(path) and "simulator" not in path.parts
    ]
    assert users == [user]
