from tests.dashboard.conftest import client, support, viewer
from tests.ingest.conftest import away, spool_path

__all__ = ["away", "client", "spool_path", "support", "viewer"]
