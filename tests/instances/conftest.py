from tests.stand_in import zapi

__all__ = ["zapi"]
