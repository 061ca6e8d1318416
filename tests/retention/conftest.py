from tests.ingest.conftest import away, spool_path

__all__ = ["away", "spool_path"]
