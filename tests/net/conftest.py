from tests.receiver import receiver

__all__ = ["receiver"]
