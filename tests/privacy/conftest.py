import pytest
from django.db import connections


@pytest.fixture(autouse=True)
def _no_spool_yet(db, tmp_path):
    """Reading the shared spool would close it, and the test's transaction with it."""
    settings = connections["spool"].settings_dict
    before, settings["NAME"] = settings["NAME"], str(tmp_path / "no disk" / "spool.sqlite3")
    yield
    settings["NAME"] = before
