"""API responses match the OpenAPI schema for any request."""

from typing import Any

import pytest
import schemathesis
from django.db import transaction
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from messages.api.api_schema import openapi
from messages.models import Instance, KeyRole
from statusboard.wsgi import application
from tests.plugins.webhook import connections_of_the_test

OPERATIONS = [(path, method) for path, item in openapi()["paths"].items() for method in item]
EXAMPLES = 40
# A schema cannot describe the content of a CSV file, or forbid duplicate messages in a list.
BEYOND = {"/api/v1/labels/": positive_data_acceptance}


def https_application(environ: dict[str, Any], start_response: Any) -> Any:
    """The application behind a proxy that terminates TLS."""
    return application(environ | {"wsgi.url_scheme": "https"}, start_response)


@pytest.fixture
def caller(make_key, report):
    """A key with all permissions; the database contains a message with a label."""
    report("SENT", "READ")
    caller = make_key(KeyRole.ADMIN, may_label=True)
    caller.write("PUT", "/messages/instance.id/3EB0A1/label", {"label": "L"})
    return caller


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_response_matches_the_schema(caller, settings, path, method, mode):
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    headers = {"Authorization": f"Bearer {caller.key}"}
    with connections_of_the_test():
        url = "/api/v1/schema/"
        described = schemathesis.openapi.from_wsgi(url, https_application, headers=headers)
        _check(described[path][method].as_strategy(generation_mode=mode), headers, BEYOND.get(path))


def _check(cases: Any, headers: dict[str, str], beyond: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def check(case: Any) -> None:
        with transaction.atomic():
            left_out = [ignored_auth, beyond] if beyond else [ignored_auth]
            case.call_and_validate(headers=headers, excluded_checks=left_out)
            transaction.set_rollback(True)

    check()


def test_schema_is_valid_openapi_3_1(capsys):
    openapi.cache_clear()
    described = openapi()
    assert described["openapi"].startswith("3.1")
    validate_schema(described)
    assert "Warning" not in capsys.readouterr().err


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_operation_has_a_summary_and_an_example(path, method):
    operation = openapi()["paths"][path][method]
    assert operation["summary"]
    answers = [operation["responses"][code] for code in operation["responses"] if code == "200"]
    assert all(answer["content"]["application/json"]["examples"] for answer in answers)
    assert {"500", "503"} <= set(operation["responses"])


def test_example_of_each_label_format_is_accepted(caller, instance):
    Instance.objects.update(zapi_id="3C0D1E2F")
    forms = openapi()["paths"]["/api/v1/labels/"]["post"]["requestBody"]["content"]
    assert set(forms) == {"application/json", "text/csv"}
    for media_type, form in forms.items():
        for example in form["examples"].values():
            value = example["value"]
            body = value.encode() if isinstance(value, str) else value
            caller.write("POST", "/labels/", body, media_type=media_type)


SHOWN = ["Message", "Event", "ListedEvent", "Recipient", "Instance", "Summary", "Incident", "Label"]


@pytest.mark.parametrize("name", SHOWN)
def test_every_property_of_a_response_is_required(name):
    described = openapi()["components"]["schemas"][name]
    assert set(described["required"]) == set(described["properties"])


def test_schema_does_not_contain_the_webhook():
    assert all(path.startswith("/api/v1/") for path in openapi()["paths"])
