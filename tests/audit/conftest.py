from tests.dashboard.conftest import _quick_passwords, admin_client, client, support, viewer

__all__ = ["_quick_passwords", "admin_client", "client", "support", "viewer"]
