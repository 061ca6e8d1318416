"""`manage.py check` reports weak settings."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from messages.instances.webhook_urls import webhook_url
from messages.models import Instance, Webhook, WebhookKind


def complaints(**options: Any) -> set[str | None]:
    return {message.id for message in run_checks(**options)}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SECRET_KEY", "short", "statusboard.E005"),
        ("SECRET_KEY", "django-insecure-" + "abcdefgh" * 8, "statusboard.E005"),
        ("WEBHOOK_SIGNING_KEYS", ["only-for-tests-" + "s" * 40], "statusboard.E006"),
        ("WEBHOOK_SIGNING_KEYS", ["short"], "statusboard.E004"),
        ("FIELD_ENCRYPTION_KEYS", ["short"], "statusboard.E003"),
        ("PUBLIC_BASE_URL", "http://board.example.com", "statusboard.E001"),
        ("DEBUG", True, "statusboard.E007"),
        ("ALLOWED_HOSTS", ["*"], "statusboard.E008"),
    ],
)
def test_weak_setting_fails_the_check(settings, name, value, complaint):
    assert complaint not in complaints()
    setattr(settings, name, value)
    assert complaint in complaints()


def test_short_metrics_token_fails_the_check(settings):
    settings.METRICS_TOKEN = "x" * 15
    assert "statusboard.E010" in complaints()
    settings.METRICS_TOKEN = "x" * 16
    assert "statusboard.E010" not in complaints()


@pytest.mark.parametrize(("demo", "is_named"), [(False, True), (True, False)])
def test_forwarding_to_private_ips_gives_a_warning_outside_the_demo(settings, db, demo, is_named):
    settings.FORWARD_ALLOW_PRIVATE, settings.DEMO = True, demo
    assert ("statusboard.W005" in complaints(include_deployment_checks=True)) is is_named


def test_changed_masking_setting_gives_a_warning_until_migrate_runs(settings, db):
    assert "statusboard.W004" not in complaints(include_deployment_checks=True)
    settings.MASK_PHONES_FOR = ["support"]
    assert "statusboard.W004" in complaints(include_deployment_checks=True)
    call_command("migrate", verbosity=0)
    assert "statusboard.W004" not in complaints(include_deployment_checks=True)


def test_secrets_file_readable_by_others_gives_a_warning(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / "secrets.env").touch(mode=0o600)
    assert "statusboard.W003" not in complaints()
    (tmp_path / "secrets.env").chmod(0o644)
    assert "statusboard.W003" in complaints()


@pytest.fixture
def pushed(instance: Instance) -> Webhook:
    kind, url = WebhookKind.MESSAGE_STATUS, webhook_url(instance)
    return Webhook.objects.create(instance=instance, kind=kind, pushed_url=url)


def test_removed_signing_key_in_use_fails_the_check_and_names_instances(settings, pushed):
    settings.WEBHOOK_SIGNING_KEYS = ["a-new-key-" + "n" * 40]
    found = [m for m in run_checks(databases=["default"]) if m.id == "statusboard.E009"]
    assert "Atendimento (instance.id)" in found[0].msg


def test_signing_key_in_use_may_follow_a_newer_key(settings, pushed):
    settings.WEBHOOK_SIGNING_KEYS = ["a-new-key-" + "n" * 40, *settings.WEBHOOK_SIGNING_KEYS]
    assert "statusboard.E009" not in complaints(databases=["default"])


def test_signing_key_of_archived_instances_may_be_removed(settings, pushed):
    Instance.objects.update(archived_at="2026-01-01T00:00Z")
    settings.WEBHOOK_SIGNING_KEYS = ["a-new-key-" + "n" * 40]
    assert "statusboard.E009" not in complaints(databases=["default"])
