"""The data files are not readable by other users of the machine."""

import os
import secrets
from pathlib import Path
from stat import S_IMODE

import pytest
from cryptography.fernet import Fernet

from tests.plugins.processes import Board
from tests.waiting import wait_until

pytestmark = pytest.mark.processes


@pytest.fixture
def _careless_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_paths(folder: Path) -> list[str]:
    """The names of files and folders that other users can access."""
    paths = [folder, *folder.iterdir()]
    return sorted(path.name for path in paths if S_IMODE(path.stat().st_mode) & 0o077)


@pytest.mark.usefixtures("_careless_umask")
def test_files_of_a_new_installation_are_private(start_board, tmp_path):
    board: Board = start_board(DATA_DIR=str(tmp_path / "data"))
    assert board.manage("check", "--database", "default").returncode == 0
    assert open_paths(tmp_path / "data") == []


@pytest.mark.usefixtures("_careless_umask")
def test_readable_files_of_an_older_version_become_private(start_board, tmp_path):
    data, spool = tmp_path / "data", tmp_path / "elsewhere" / "spool.sqlite3"
    for folder in (data, data / "metrics", spool.parent):
        folder.mkdir(mode=0o755)
    beside = [spool.with_suffix(suffix) for suffix in (".lock", ".turn", ".keys.json")]
    in_data = ["secrets.env", "statusboard.sqlite3", "statusboard.sqlite3.turn"]
    # Older versions stored the spool in the data folder.
    in_data += ["spool.sqlite3", "spool.turn", "spool.lock", "spool.keys.json"]
    for path in (*(data / name for name in in_data), spool, *beside):
        path.touch(mode=0o644)
    keys = [secrets.token_urlsafe(48), secrets.token_urlsafe(48), Fernet.generate_key().decode()]
    names = ("SECRET_KEY", "WEBHOOK_SIGNING_KEYS", "FIELD_ENCRYPTION_KEYS")
    lines = [f"{name}={key}\n" for name, key in zip(names, keys, strict=True)]
    (data / "secrets.env").write_text("".join(lines))
    start_board(DATA_DIR=str(data), SPOOL_PATH=str(spool))
    assert open_paths(data) == []
    assert [S_IMODE(path.stat().st_mode) for path in (spool, *beside)] == [0o600] * 4


@pytest.mark.usefixtures("_careless_umask")
def test_upgraded_installation_makes_all_files_private(start_board, tmp_path):
    """The worker, the migrations and the web server each make files of their own."""
    data = tmp_path / "data"
    first = start_board(DATA_DIR=str(data))
    wait_until((data / "spool.keys.json").exists, "the worker writes no keys")
    first.interrupt()
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    board = start_board(DATA_DIR=str(data))
    assert board.manage("check", "--database", "default").returncode == 0
    assert open_paths(data) == []


@pytest.mark.usefixtures("_careless_umask")
def test_shared_data_folder_keeps_its_permissions(start_board, tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / "somebody-elses.txt").touch(mode=0o644)
    start_board(DATA_DIR=str(data))
    assert open_paths(data) == ["data", "somebody-elses.txt"]
