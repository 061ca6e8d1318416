"""A separate spool for each test, and a simulated database outage."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connections

from messages.ingest import spool as spool_module
from messages.ingest import store
from messages.ingest.service import breaker
from messages.ingest.spool_quota import SpoolQuota


@pytest.fixture
def spool_path(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The path of the spool, in a folder that does not exist yet."""
    forget_usages(monkeypatch)
    spool = connections["spool"]
    spool.close()
    before = spool.settings_dict["NAME"]
    path = tmp_path / "disk" / "spool.sqlite3"
    spool.settings_dict["NAME"] = str(path)
    yield path
    spool.close()
    spool.settings_dict["NAME"] = before


def forget_usages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset the cached spool usage, as in a new process."""
    monkeypatch.setattr(spool_module, "_quota", SpoolQuota(spool_module._usages))


@pytest.fixture
def away(spool_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """A function: True makes the database refuse every callback, False makes it available again."""
    backend = store.backend()
    real = backend.store

    def refuse(*_: object) -> None:
        raise OperationalError("connection refused")

    def switch(is_away: bool) -> None:
        monkeypatch.setattr(backend, "store", refuse if is_away else real)
        monkeypatch.setattr(breaker, "probe", refuse if is_away else store.probe)
        breaker.close()

    return switch
