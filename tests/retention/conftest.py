from tests.dashboard.conftest import _quick_passwords
from tests.ingest.conftest import away, spool_path

__all__ = ["_quick_passwords", "away", "spool_path"]
