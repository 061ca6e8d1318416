"""Imports point inward, and edges never import each other (docs/developer.md draws it)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EDGES = {"webhooks", "dashboard", "api", "admin", "management"}
# What each part of messages/ may import from messages/, besides itself.
INWARD = {
    "statuses": set(),
    "due": set(),
    "sealed": {"models"},
    "csv_files": set(),
    "phones": set(),
    "viewpoint": set(),
    "times": {"viewpoint"},
    "zapi": {"phones", "statuses"},
    "models": {"due", "phones", "statuses"},
    "story": {"phones", "statuses"},
    "reports": {"models"},
    "reasons": set(),
    "heard": {"models", "zapi"},
    "ingest": {"statuses", "zapi", "models"},
    "instances": {"csv_files", "due", "heard", "statuses", "zapi", "models", "audit"},
    "access": {"due", "models", "phones", "audit"},
    "audit": {"models", "phones"},
    "labels": {"access", "csv_files", "models", "privacy"},
    "finding": {"access", "incidents", "models", "phones", "statuses"},
    "aliases": {"heard", "instances", "models", "phones", "zapi"},
    "summaries": {"access", "heard", "models", "statuses"},
    "export": {
        *("access", "finding", "ingest", "labels", "models", "privacy", "reasons", "reports"),
        *("statuses", "story"),
    },
    "outgoing": set(),
    "mail": {"models"},
    "forwarding": {"heard", "instances", "models", "outgoing", "zapi"},
    "incidents": {
        *("access", "audit", "due", "instances", "models", "phones", "statuses", "times", "zapi"),
    },
    "notifications": {
        "access",
        "audit",
        "forwarding",
        "incidents",
        "mail",
        "models",
        "outgoing",
        "times",
    },
    "worker": {
        "access",
        "due",
        "heard",
        "incidents",
        "mail",
        "notifications",
        "export",
        "ingest",
        "instances",
        "models",
        "forwarding",
        "aliases",
        "privacy",
        "retention",
        "summaries",
    },
    "retention": {"due", "ingest", "models", "audit"},
    "monitoring": {"incidents", "ingest", "models"},
    "privacy": {"heard", "phones", "zapi", "ingest", "models", "audit"},
    "simulator": {"zapi", "statuses"},
}
PURE = [
    *("messages/zapi/payloads.py", "messages/zapi/times.py", "messages/zapi/hooks.py"),
    "messages/phones.py",
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
    """The parts of messages/ that a file reaches for."""
    ours = [name.split(".") for name in imported(path) if name.startswith("messages.")]
    return {name[1] for name in ours}


def files_of(part: str) -> list[Path]:
    folder = ROOT / "messages" / part
    return list(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


@pytest.mark.parametrize("part", INWARD)
def test_a_part_imports_only_what_lies_further_in(part):
    found = {(path.name, name) for path in files_of(part) for name in parts_imported(path)}
    assert {name for _, name in found} <= INWARD[part] | {part}, found


@pytest.mark.parametrize("edge", ["webhooks", "dashboard", "api", "admin"])
def test_an_edge_imports_no_other_edge(edge):
    for path in files_of(edge):
        assert not parts_imported(path) & (EDGES - {edge}), path


def test_every_part_of_the_app_has_its_rule():
    parts = {path.stem for path in (ROOT / "messages").iterdir() if not path.name.startswith("_")}
    assert parts <= set(INWARD) | EDGES | {"apps", "migrations", "locale"}


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_imports_nothing_of_django(name):
    assert not {module for module in imported(ROOT / name) if module.split(".")[0] == "django"}


@pytest.mark.parametrize(
    ("library", "user"),
    [
        ("requests", "messages/zapi/client.py"),
        # Not requests, which resolves names itself: what was checked would not be what is called.
        ("http.client", "messages/outgoing/courier.py"),
    ],
)
def test_only_one_module_speaks_http_through(library, user):
    users = [
        path.relative_to(ROOT).as_posix()
        for folder in ("messages", "statusboard")
        for path in (ROOT / folder).rglob("*.py")
        if library in imported(path) and "simulator" not in path.parts
    ]
    assert users == [user]
