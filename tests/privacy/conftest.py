import pytest
from django.db import connections


@pytest.fixture(autouse=True)
def _no_spool_yet(db, tmp_path):
    """Use a spool path that does not exist.

    Reading the shared spool closes its connection, which would end the test's transaction.
    """
    settings = connections["spool"].settings_dict
    before, settings["NAME"] = settings["NAME"], str(tmp_path / "no disk" / "spool.sqlite3")
    yield
    settings["NAME"] = before
