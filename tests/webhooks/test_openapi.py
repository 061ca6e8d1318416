"""The webhook matches docs/webhook.openapi.yaml."""

import json

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

DOCUMENT = settings.BASE_DIR / "docs" / "webhook.openapi.yaml"
POST = yaml.safe_load(DOCUMENT.read_text())["paths"]["/webhooks/zapi/{key}/"]["post"]
EXAMPLES = POST["requestBody"]["content"]["application/json"]["examples"]
ANSWERS = [200, 400, 404, 405, 413, 415, 429, 503]


def test_document_matches_the_code(tmp_path):
    written = tmp_path / "webhook.yaml"
    call_command(
        "spectacular",
        urlconf="messages.webhooks.urls",
        custom_settings="messages.webhooks.schema.SETTINGS",
        file=str(written),
        fail_on_warn=True,
        validate=True,
    )
    assert written.read_text() == DOCUMENT.read_text(), "run make openapi"


def test_every_answer_is_documented():
    assert [int(status) for status in POST["responses"]] == ANSWERS


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_accepted(post, instance, name):
    body = EXAMPLES[name]["value"]
    answer = post(json.dumps(body | {"instanceId": instance.zapi_id}).encode())
    assert answer.status == 200
    assert answer.json()["outcome"] in {"applied", "ignored"}
