from tests.dashboard.conftest import admin_client, client, support, viewer

__all__ = ["admin_client", "client", "support", "viewer"]
