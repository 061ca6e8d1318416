"""Retired keys and quotas while the database is unavailable."""

import logging
import stat

import pytest
from django.core.management import call_command
from django.urls import reverse

from messages.ingest import drain, known_keys, spool
from messages.instances import archive
from messages.instances.rotation import rotate_key
from messages.instances.webhook_keys import WebhookKey, webhook_path
from messages.models import Callback, Instance
from messages.webhooks import views
from tests.plugins.spool import forget_usages
from tests.plugins.webhook import ZAPI_ID, call
from tests.waiting import wait_until

SENT = b'{"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "instanceId": "%s"}'


@pytest.fixture(autouse=True)
def _nothing_was_said_before(monkeypatch):
    """Reset the log limits and job intervals.

    So each test logs its lines and reads the keys at once.
    """
    monkeypatch.setattr(known_keys, "INTERVAL", 0.0)
    views.sparse_logger.last_written.clear()


@pytest.fixture
def other(account):
    return Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")


def send(zapi_id=ZAPI_ID, version=1):
    path = webhook_path(WebhookKey(zapi_id, version))
    body = SENT % zapi_id.encode()
    return call(path, "POST", body, CONTENT_TYPE="application/json").status


def keys_file(spool_path):
    return spool_path.with_name("spool.keys.json")


class TestRetiredKeys:
    @pytest.fixture(autouse=True)
    def retired(self, instance, spool_path):
        Instance.objects.filter(pk=instance.pk).update(key_version=3, oldest_key_version=2)
        drain()

    def test_retired_key_is_refused_and_not_spooled(self, away, spool_path):
        away(True)
        assert [send(version=1) for _ in range(20)] == [404] * 20
        assert spool.state().waiting == 0

    def test_accepted_key_is_spooled(self, away, instance):
        away(True)
        assert [send(version=version) for version in (2, 3)] == [200, 200]
        away(False)
        assert drain() == 2
        assert Callback.objects.count() == 2

    def test_key_newer_than_the_file_is_accepted(self, away, instance):
        rotate_key(instance)
        away(True)
        assert send(version=4) == 200
        away(False)
        assert drain() == 1

    def test_instance_newer_than_the_file_is_accepted(self, away, account):
        Instance.objects.create(account=account, name="New", zapi_id="new", token="t")
        away(True)
        assert send("new") == 200
        away(False)
        assert drain() == 1

    def test_archived_instance_is_refused_during_an_outage(self, away, instance, other):
        archive.archive(instance)
        drain()
        away(True)
        assert (send(version=3), send("other")) == (404, 200)

    @pytest.mark.parametrize("way", ["page", "command"])
    def test_restored_instance_is_accepted(self, away, instance, client, admin, way):
        archive.archive(instance)
        drain()
        if way == "page":
            client.post(reverse("dashboard:instance-unarchive", args=[instance.pk]))
        else:
            call_command("instances", "unarchive", instance.zapi_id)
        away(True)
        assert send(version=3) == 200

    @pytest.mark.parametrize("content", [None, b"", b"[1]", b'{"a"', b'{"instance.id": "9"}'])
    def test_unreadable_file_accepts_every_key(self, away, spool_path, content):
        keys_file(spool_path).unlink()
        if content is not None:
            keys_file(spool_path).write_bytes(content)
        away(True)
        assert send(version=1) == 200

    def test_damaged_file_is_written_again(self, away, spool_path):
        keys_file(spool_path).write_bytes(b"{")
        drain()
        away(True)
        assert send(version=1) == 404

    def test_version_that_is_accepted_again_is_updated_in_the_file(self, away, instance):
        away(True)
        assert send(version=1) == 404
        away(False)
        Instance.objects.filter(pk=instance.pk).update(oldest_key_version=1)
        drain()
        away(True)
        assert send(version=1) == 200

    def test_file_is_private_and_contains_no_secret(self, spool_path, instance):
        file = keys_file(spool_path)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text() == f'{{"{ZAPI_ID}": [2, false]}}'
        assert [one.name for one in spool_path.parent.glob("*keys*")] == [file.name]

    def test_file_is_not_read_while_the_database_is_available(self, instance, spool_path):
        """A key that the file lists as retired is accepted while the database is available."""
        keys_file(spool_path).write_text(f'{{"{ZAPI_ID}": null}}')
        assert send(version=3) == 200


class TestQuota:
    @pytest.fixture(autouse=True)
    def five(self, settings, instance, other, away):
        settings.SPOOL_MAX_CALLBACKS_PER_INSTANCE = 5
        away(True)

    def test_instance_over_quota_is_refused_and_others_are_not(self):
        assert [send() for _ in range(7)] == [200] * 5 + [503] * 2
        assert send("other") == 200
        assert spool.state().waiting == 6

    def test_quota_limits_bytes(self, settings):
        settings.SPOOL_MAX_BYTES_PER_INSTANCE = 700
        assert [send() for _ in range(5)] == [200, 200, 200, 503, 503]

    def test_drained_spool_has_room_again(self, away):
        assert [send() for _ in range(6)] == [200] * 5 + [503]
        away(False)
        assert drain() == 5
        assert Callback.objects.count() == 5
        away(True)
        wait_until(lambda: send() == 200, "it is refused although the spool is empty")

    def test_instance_over_quota_is_logged_once_a_minute(self, caplog):
        with caplog.at_level(logging.ERROR):
            for _ in range(30):
                send()
        lines = [one.getMessage() for one in caplog.records if "was not stored" in one.getMessage()]
        assert len(lines) == 1
        assert ZAPI_ID in lines[0]

    def test_quota_counts_rows_of_other_processes(self, monkeypatch):
        for _ in range(5):
            assert send() == 200
        forget_usages(monkeypatch)
        wait_until(lambda: send() == 503, "what was there before is not counted")

    def test_health_page_and_command_show_instance_over_quota(self, client, admin, capsys, away):
        for _ in range(6):
            send()
        away(False)  # the spool still contains these rows
        page = client.get(reverse("dashboard:health")).content.decode()
        assert "have used up their share of the buffer" in page
        assert '<td data-label="Instance">Atendimento</td>' in page
        call_command("spool")
        assert f"{ZAPI_ID} has used up its share: 5 callbacks." in capsys.readouterr().out

    def test_health_page_shows_no_instance_under_quota(self, client, admin, away):
        send()
        away(False)
        page = client.get(reverse("dashboard:health")).content.decode()
        assert '<a href="#spool">Offline buffer</a>' in page
        assert "have used up their share" not in page
