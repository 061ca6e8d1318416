"""Static files, requested from a running server."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.plugins.processes import ROOT, Board

pytestmark = pytest.mark.processes

CHANGED = "\n/* changed */\n"


def addresses(board: Board) -> list[str]:
    page = requests.get(f"{board.url}/account/login/", timeout=60).text
    found = re.findall(r'(?:src|href)="(/static/[^"#]+)', page)
    assert found
    return found


def test_static_file_urls_contain_a_hash(board):
    assert [one for one in addresses(board) if not re.search(r"\.[0-9a-f]{12}\.\w+$", one)] == []


def test_hashed_static_files_are_immutable(board):
    for address in addresses(board):
        answer = requests.get(board.url + address, timeout=60)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def style_of(board: Board) -> str:
    return next(one for one in addresses(board) if one.startswith("/static/css/base."))


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the product, whose files a test may change; boards are started from it."""
    copy = tmp_path / "release"
    for name in ("messages", "statusboard", "templates", "static", "locale"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "manage.py", copy)
    monkeypatch.setattr(Board, "root", copy)
    return copy


@pytest.fixture
def boards(tmp_path: Path, release: Path) -> Iterator[tuple[Board, Board]]:
    """Two servers with the same data folder: before and after an upgrade that changes a file."""
    (data := tmp_path / "data").mkdir()
    before = Board(data)
    style = release / "static" / "css" / "base.css"
    style.write_text(style.read_text() + CHANGED)
    os.utime(style, (0, 0))  # an archive may set an old modification time
    after = Board(data)
    yield before, after
    for board in (after, before):
        board.interrupt()


def test_upgrade_renames_changed_static_files_and_keeps_old_ones(boards):
    before, after = boards
    assert CHANGED in requests.get(after.url + style_of(after), timeout=60).text
    old = requests.get(before.url + style_of(before), timeout=60)
    assert old.status_code == 200
    assert CHANGED not in old.text
    # For pages that are still open in a browser.
    assert requests.get(after.url + style_of(before), timeout=60).status_code == 200
