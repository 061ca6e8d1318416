"""Retired keys and floods while the database is away: refused, and nobody else's callbacks are."""

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
    """Lines that come once a minute come in each test; the worker asks at each turn."""
    monkeypatch.setattr(known_keys, "_INTERVAL", 0.0)
    views._sparse_logger.forget()


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

    def test_a_retired_key_is_refused_and_fills_no_spool(self, away, spool_path):
        away(True)
        assert [send(version=1) for _ in range(20)] == [404] * 20
        assert spool.state().waiting == 0

    def test_keys_that_are_accepted_fill_it(self, away, instance):
        away(True)
        assert [send(version=version) for version in (2, 3)] == [200, 200]
        away(False)
        assert drain() == 2
        assert Callback.objects.count() == 2

    def test_a_key_of_a_rotation_a_moment_before_is_accepted(self, away, instance):
        rotate_key(instance)
        away(True)
        assert send(version=4) == 200
        away(False)
        assert drain() == 1

    def test_an_instance_made_a_moment_before_is_accepted(self, away, account):
        Instance.objects.create(account=account, name="New", zapi_id="new", token="t")
        away(True)
        assert send("new") == 200
        away(False)
        assert drain() == 1

    def test_an_archived_instance_is_refused(self, away, instance, other):
        archive.archive(instance)
        drain()
        away(True)
        assert (send(version=3), send("other")) == (404, 200)

    @pytest.mark.parametrize("way", ["page", "command"])
    def test_one_that_was_brought_back_a_moment_before_is_accepted(
        self, away, instance, client, admin, way
    ):
        archive.archive(instance)
        drain()
        if way == "page":
            client.post(reverse("dashboard:instance-unarchive", args=[instance.pk]))
        else:
            call_command("instances", "unarchive", instance.zapi_id)
        away(True)
        assert send(version=3) == 200

    @pytest.mark.parametrize("content", [None, b"", b"[1]", b'{"a"', b'{"instance.id": "9"}'])
    def test_without_a_file_that_can_be_read_every_key_is_accepted(self, away, spool_path, content):
        keys_file(spool_path).unlink()
        if content is not None:
            keys_file(spool_path).write_bytes(content)
        away(True)
        assert send(version=1) == 200

    def test_a_file_that_was_damaged_is_written_again(self, away, spool_path):
        keys_file(spool_path).write_bytes(b"{")
        drain()
        away(True)
        assert send(version=1) == 404

    def test_a_version_that_is_accepted_again_is_known_to_be(self, away, instance):
        away(True)
        assert send(version=1) == 404
        away(False)
        Instance.objects.filter(pk=instance.pk).update(oldest_key_version=1)
        drain()
        away(True)
        assert send(version=1) == 200

    def test_the_file_is_the_owners_alone_and_holds_no_secret(self, spool_path, instance):
        file = keys_file(spool_path)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text() == f'{{"{ZAPI_ID}": 2}}'
        assert [one.name for one in spool_path.parent.glob("*keys*")] == [file.name]

    def test_while_the_database_is_there_it_costs_no_look_at_the_file(self, instance, spool_path):
        """And a file that says otherwise refuses nobody."""
        keys_file(spool_path).write_text(f'{{"{ZAPI_ID}": null}}')
        assert send(version=3) == 200


class TestQuota:
    @pytest.fixture(autouse=True)
    def five(self, settings, instance, other, away):
        settings.SPOOL_MAX_CALLBACKS_PER_INSTANCE = 5
        away(True)

    def test_an_instance_that_filled_its_part_is_refused_and_no_other_is(self):
        assert [send() for _ in range(7)] == [200] * 5 + [503] * 2
        assert send("other") == 200
        assert spool.state().waiting == 6

    def test_bytes_count_as_well(self, settings):
        settings.SPOOL_MAX_BYTES_PER_INSTANCE = 700
        assert [send() for _ in range(5)] == [200, 200, 200, 503, 503]

    def test_what_was_acknowledged_is_stored_and_there_is_room_again(self, away):
        assert [send() for _ in range(6)] == [200] * 5 + [503]
        away(False)
        assert drain() == 5
        assert Callback.objects.count() == 5
        away(True)
        wait_until(lambda: send() == 200, "it is refused although the spool is empty")

    def test_one_line_a_minute_says_so(self, caplog):
        with caplog.at_level(logging.ERROR):
            for _ in range(30):
                send()
        lines = [one.getMessage() for one in caplog.records if "was not stored" in one.getMessage()]
        assert len(lines) == 1
        assert ZAPI_ID in lines[0]

    def test_what_another_process_wrote_counts(self, monkeypatch):
        for _ in range(5):
            assert send() == 200
        forget_usages(monkeypatch)
        wait_until(lambda: send() == 503, "what was there before is not counted")

    def test_health_and_the_command_name_it(self, client, admin, capsys, away):
        for _ in range(6):
            send()
        away(False)  # and not drained yet
        page = client.get(reverse("dashboard:health")).content.decode()
        assert "have used up their share of the buffer" in page
        assert '<td data-label="Instance">Atendimento</td>' in page
        call_command("spool")
        assert f"{ZAPI_ID} has used up its share: 5 callbacks." in capsys.readouterr().out

    def test_health_names_none_while_there_is_room(self, client, admin, away):
        send()
        away(False)
        page = client.get(reverse("dashboard:health")).content.decode()
        assert "Not empty" in page
        assert "have used up their share" not in page
