from tests.dashboard.conftest import _quick_passwords, client, support
from tests.ingest.conftest import away, spool_path

__all__ = ["_quick_passwords", "away", "client", "spool_path", "support"]
