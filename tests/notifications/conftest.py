import pytest


@pytest.fixture(autouse=True)
def _local_receivers(local_receivers: None) -> None:
    pass
