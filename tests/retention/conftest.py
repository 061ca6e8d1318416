from tests.dashboard.conftest import _quick_passwords

__all__ = ["_quick_passwords"]
