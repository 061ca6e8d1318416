"""Send valid and invalid bodies generated from the webhook's OpenAPI schema."""

from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.faults.conftest import EXAMPLES
from tests.faults.door import Door
from tests.plugins.processes import ROOT

pytestmark = pytest.mark.faults

schema = schemathesis.openapi.from_path(ROOT / "docs" / "webhook.openapi.yaml")
PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def webhook(tmp_path_factory):
    door = Door(tmp_path_factory.mktemp("door"))
    yield door.add_instance("described")
    door.stop()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_webhook_response_to_any_body_matches_the_schema(case, webhook):
    address = urlsplit(webhook)
    case.path_parameters["key"] = address.path.split("/")[-2]
    answer = case.call(base_url=f"http://{address.netloc}")
    case.validate_response(answer, checks=PROMISES)
