from tests.dashboard.conftest import deliver, report
from tests.stand_in import zapi

__all__ = ["deliver", "report", "zapi"]
