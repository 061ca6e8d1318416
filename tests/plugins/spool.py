"""A spool of each test's own, and a database that can be made to be away."""

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
    """Where the spool will be: nothing is there yet, not even the folder."""
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
    """As a process that has only just begun, and counted nothing yet."""
    monkeypatch.setattr(spool_module, "_quota", SpoolQuota(spool_module._usages))


@pytest.fixture
def away(spool_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Call it with True and the database refuses every callback, with False and it is back."""
    backend = store.backend()
    real = backend.store

    def refuse(*_: object) -> None:
        raise OperationalError("connection refused")

    def switch(is_away: bool) -> None:
        monkeypatch.setattr(backend, "store", refuse if is_away else real)
        monkeypatch.setattr(breaker, "probe", refuse if is_away else store.probe)
        breaker.close()

    return switch
