from tests.dashboard.conftest import (
    admin_client,
    client,
    deliver,
    masked_viewer,
    report,
    support,
    viewer,
)

__all__ = ["admin_client", "client", "deliver", "masked_viewer", "report", "support", "viewer"]
