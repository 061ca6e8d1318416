"""Accepted clients, rate limits, and no storage use by unknown clients."""

import gc
import json
import logging
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from ipaddress import ip_network
from itertools import islice

import pytest
from django.utils import timezone

from messages.instances.token_checks import Mismatches, mismatches_of
from messages.instances.webhook_keys import WebhookKey, sign
from messages.models import Callback, FollowUp, Instance, Message
from messages.webhooks import throttling
from statusboard.client_ips import client_ip
from tests.plugins.webhook import call

STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"]}
JSON = {"CONTENT_TYPE": "application/json"}
TOKEN = "token-of-the-instance"


def knock(key="wrong", **extra):
    return call(f"/webhooks/zapi/{key}/", "POST", json.dumps(STATUS).encode(), **JSON | extra)


class TestTheAddress:
    PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]

    @pytest.mark.parametrize(
        ("remote", "forwarded", "client"),
        [
            ("203.0.113.7", "", "203.0.113.7"),
            # A header from an untrusted client is ignored.
            ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            # Everything left of the first untrusted IP may be forged.
            ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("fd00::1", "2001:db8::5", "2001:db8::5"),
            ("::ffff:203.0.113.7", "", "203.0.113.7"),
            ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            ("", "198.51.100.1", "None"),
        ],
    )
    def test_ip_is_the_first_from_the_right_that_is_not_a_trusted_proxy(
        self, settings, remote, forwarded, client
    ):
        settings.WEBHOOK_TRUSTED_PROXIES = self.PROXIES
        meta = {"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": forwarded}
        assert str(client_ip(meta)) == client

    @pytest.mark.parametrize(
        ("forwarded", "client"),
        [
            ("for=198.51.100.1", "198.51.100.1"),
            ("for=198.51.100.1:4711", "198.51.100.1"),
            ('For="[2001:db8::5]:4711";proto=https', "2001:db8::5"),
            ('proto=http; for="[2001:db8::5]"', "2001:db8::5"),
            ("for=192.0.2.66, for=198.51.100.1", "198.51.100.1"),
            ("for=192.0.2.66, for=198.51.100.1, for=10.0.0.2", "198.51.100.1"),
            # An unclosed quote in a forged part does not hide the IP that the proxy appended.
            ('for="192.0.2.66, for=198.51.100.1', "198.51.100.1"),
            ("for=192.0.2.66;for=198.51.100.1", "10.0.0.1"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("by=198.51.100.1", "10.0.0.1"),
            ("198.51.100.1", "10.0.0.1"),
            ("", "10.0.0.1"),
        ],
    )
    def test_ip_is_read_from_forwarded_if_configured(self, settings, forwarded, client):
        settings.WEBHOOK_TRUSTED_PROXIES = self.PROXIES
        settings.TRUSTED_PROXY_HEADER = "Forwarded"
        meta = {"REMOTE_ADDR": "10.0.0.1", "HTTP_FORWARDED": forwarded}
        # HTTP_X_FORWARDED_FOR is ignored, because a header X_Forwarded_For sets it too.
        assert str(client_ip(meta | {"HTTP_X_FORWARDED_FOR": "192.0.2.1"})) == client

    def test_forwarded_header_is_ignored_unless_configured(self, settings):
        settings.WEBHOOK_TRUSTED_PROXIES = self.PROXIES
        meta = {"REMOTE_ADDR": "10.0.0.1", "HTTP_FORWARDED": "for=192.0.2.1"}
        assert str(client_ip(meta)) == "10.0.0.1"

    def test_forwarded_ip_without_trusted_proxies_is_ignored(self):
        meta = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}
        assert str(client_ip(meta)) == "10.0.0.1"


class TestTheNetworksLetIn:
    @pytest.fixture(autouse=True)
    def networks(self, settings):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("203.0.113.0/24")]
        settings.WEBHOOK_TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]

    def test_client_from_an_allowed_network_is_accepted(self, post):
        assert post(STATUS, REMOTE_ADDR="203.0.113.9").status == 200

    def test_client_behind_a_trusted_proxy_is_accepted(self, post):
        through = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
        assert post(STATUS, **through).status == 200

    @pytest.mark.parametrize(
        "caller",
        [
            {"REMOTE_ADDR": "198.51.100.1"},
            {"REMOTE_ADDR": "198.51.100.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"},
            {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.1"},
            {"REMOTE_ADDR": ""},
        ],
    )
    def test_client_from_another_network_gets_the_answer_to_a_wrong_key(self, post, caller):
        outside = post(STATUS, **caller)
        wrong = knock(REMOTE_ADDR="203.0.113.9")
        assert (outside.status, outside.body, outside.headers) == (404, wrong.body, wrong.headers)
        assert not Callback.objects.exists()


class TestOneAnswer:
    def test_rejected_keys_of_all_kinds_get_the_same_answer(self, account, instance):
        Instance.objects.create(
            account=account, name="A", zapi_id="archived", archived_at=timezone.now()
        )
        Instance.objects.create(
            account=account, name="E", zapi_id="strict", token=TOKEN, token_policy="enforce"
        )
        genuine = sign(WebhookKey("instance.id", 1))
        answers = [
            knock("x"),
            knock(genuine[:-1]),
            knock(genuine + "A"),
            knock(sign(WebhookKey("nobody", 1))),
            knock(sign(WebhookKey("instance.id", 0))),
            knock(sign(WebhookKey("instance.id", 2))),
            knock(sign(WebhookKey("archived", 1))),
            knock(sign(WebhookKey("strict", 1))),
            knock(sign(WebhookKey("strict", 1)), HTTP_Z_API_TOKEN="not it"),
        ]
        assert {(a.status, a.body, tuple(a.headers.items())) for a in answers} == {
            (404, b'{"error": "Webhook not found."}', tuple(answers[0].headers.items()))
        }
        assert not Callback.objects.exists()
        assert not FollowUp.objects.exists()
        assert not Message.objects.exists()

    @pytest.mark.parametrize("extra", [{"CONTENT_TYPE": "text/plain"}, {"CONTENT_LENGTH": "9" * 9}])
    def test_rejected_key_with_a_refused_body_gets_the_same_answer(self, instance, extra):
        assert knock(sign(WebhookKey("instance.id", 2)), **extra).status == 404
        assert not Callback.objects.exists()

    def test_wrong_key_makes_no_query(self, django_assert_num_queries, db):
        with django_assert_num_queries(0):
            knock(sign(WebhookKey("instance.id", 1))[:-1])


class TestZapiToken:
    @pytest.mark.parametrize(
        "case",
        [
            ("observe", {"HTTP_Z_API_TOKEN": TOKEN}, 200, "matches"),
            ("observe", {"HTTP_Z_API_TOKEN": "another"}, 200, "differs"),
            ("observe", {}, 200, "missing"),
            ("enforce", {"HTTP_Z_API_TOKEN": TOKEN}, 200, "matches"),
            ("enforce", {"HTTP_Z_API_TOKEN": "another"}, 404, None),
            ("enforce", {}, 404, None),
            ("off", {"HTTP_Z_API_TOKEN": "another"}, 200, ""),
            ("off", {}, 200, ""),
        ],
    )
    def test_token_is_checked_according_to_the_policy(self, post, instance, case):
        policy, sent, status, check = case
        instance.token_policy = policy
        instance.save()
        assert post(STATUS, **sent).status == status
        assert list(Callback.objects.values_list("token_check", flat=True)) == (
            [] if check is None else [check]
        )

    def test_instance_without_a_token_accepts_any(self, post, instance):
        instance.token, instance.token_policy = "", "enforce"
        instance.save()
        assert post(STATUS, HTTP_Z_API_TOKEN="whatever").status == 200

    def test_wrong_token_is_counted_by_instance(self, post, instance):
        for sent in ({"HTTP_Z_API_TOKEN": "another"}, {}, {}, {"HTTP_Z_API_TOKEN": TOKEN}):
            post(STATUS, **sent)
        assert mismatches_of(instance) == Mismatches(differing=1, missing=2)
        Callback.objects.update(received_at=timezone.now() - timedelta(hours=25))
        assert not mismatches_of(instance)

    def test_refused_token_is_counted_and_logged_by_instance(self, post, instance, caplog):
        Instance.objects.update(token_policy="enforce")
        for _ in range(3):
            post(STATUS, HTTP_Z_API_TOKEN="another")
        assert Instance.objects.get().tokens_refused == 3
        assert caplog.text.count(f"Callbacks of instance {instance.zapi_id} are refused") == 1

    def test_retired_key_is_not_counted_as_a_refused_token(self, instance):
        Instance.objects.update(token_policy="enforce")
        assert knock(sign(WebhookKey(instance.zapi_id, 9))).status == 404
        assert Instance.objects.get().tokens_refused == 0

    def test_previous_token_is_accepted_for_a_day(self, post, instance):
        instance.token_policy, instance.token = "enforce", "a-new-token"
        instance.save()
        assert post(STATUS, HTTP_Z_API_TOKEN=TOKEN).status == 200
        assert Callback.objects.get().token_check == "matches"
        Instance.objects.update(previous_token_until=timezone.now() - timedelta(seconds=1))
        assert post(STATUS, HTTP_Z_API_TOKEN=TOKEN).status == 404
        assert post(STATUS).status == 404


class TestTooManyWrongKeys:
    @pytest.fixture(autouse=True)
    def few(self, settings, monkeypatch):
        settings.WEBHOOK_WRONG_KEYS_PER_MINUTE = 3
        monkeypatch.setattr(throttling, "DELAY", 0)

    def test_client_over_the_limit_gets_retry_after(self, db):
        assert [knock().status for _ in range(4)] == [404, 404, 404, 429]
        assert 1 <= int(knock().headers["Retry-After"]) <= 20

    def test_valid_key_over_the_limit_is_accepted(self, post):
        for _ in range(9):
            knock(REMOTE_ADDR="203.0.113.9")
        assert post(STATUS, REMOTE_ADDR="203.0.113.9").status == 200

    def test_client_that_continues_gets_the_same_answer(self, db):
        answers = [knock() for _ in range(6)]
        first, later = answers[3], answers[5]
        assert (later.status, later.body) == (first.status, first.body)
        assert later.headers["Content-Type"] == first.headers["Content-Type"]

    def test_valid_keys_are_not_counted(self, post):
        assert {post(STATUS).status for _ in range(9)} == {200}

    def test_other_ip_has_its_own_limit(self, db):
        for _ in range(4):
            knock(REMOTE_ADDR="203.0.113.9")
        assert knock(REMOTE_ADDR="203.0.113.10").status == 404

    def test_ipv6_network_has_one_limit(self, db):
        answers = [knock(REMOTE_ADDR=f"2001:db8::{n}").status for n in range(1, 6)]
        assert answers[-1] == 429

    def test_retired_keys_are_counted(self, instance):
        retired = sign(WebhookKey("instance.id", 0))
        assert [knock(retired).status for _ in range(4)][-1] == 429

    def test_valid_key_from_another_network_counts_as_wrong(self, post, settings):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("203.0.113.0/24")]
        for _ in range(3):
            knock(REMOTE_ADDR="198.51.100.1")
        assert post(STATUS, REMOTE_ADDR="198.51.100.1").status == 429

    def test_limit_is_logged_once_with_the_ip(self, db, caplog):
        for _ in range(30):
            knock(REMOTE_ADDR="203.0.113.9")
        told = [record for record in caplog.messages if "203.0.113.9" in record]
        assert told == ["Too many wrong webhook keys from 203.0.113.9. It has to wait."]

    def test_client_over_the_limit_stores_nothing(self, instance):
        for _ in range(30):
            knock()
        assert not Callback.objects.exists()


class TestWhoGoesOnIsKeptWaiting:
    THREADS = 8

    @pytest.fixture
    def door_opens(self, settings, monkeypatch):
        """Delayed requests wait for this event. The IP of the tests is already over its limit."""
        opens = threading.Event()
        monkeypatch.setattr(throttling, "sleep", lambda seconds: opens.wait(120))
        settings.WEBHOOK_WRONG_KEYS_PER_MINUTE = 1
        assert knock().status == 404
        yield opens
        opens.set()

    @pytest.fixture
    def crowd(self, monkeypatch, door_opens):
        monkeypatch.setattr(throttling, "delay_slots", threading.Semaphore(self.THREADS // 2))

    def test_delay_uses_at_most_half_of_the_threads(self, crowd, door_opens):
        with ThreadPoolExecutor(self.THREADS) as threads:
            answers = [threads.submit(knock) for _ in range(self.THREADS)]
            at_once = list(islice(as_completed(answers, timeout=60), self.THREADS // 2))
            kept = [answer for answer in answers if not answer.done()]
            door_opens.set()
        assert len(at_once) == len(kept) == self.THREADS // 2
        assert {answer.result().status for answer in answers} == {429}

    def test_delay_that_ended_frees_its_thread(self, crowd, door_opens, monkeypatch):
        kept: list[float] = []
        monkeypatch.setattr(throttling, "sleep", kept.append)
        assert {knock().status for _ in range(self.THREADS)} == {429}
        assert kept == [throttling.DELAY] * self.THREADS

    def test_server_with_one_thread_delays_nothing(self, door_opens, monkeypatch):
        kept: list[float] = []
        monkeypatch.setattr(throttling, "delay_slots", threading.Semaphore(1 // 2))
        monkeypatch.setattr(throttling, "sleep", kept.append)
        assert knock().status == 429
        assert kept == []


def test_long_paths_do_not_stay_in_memory(caplog):
    # Otherwise pytest keeps the log records in memory
    caplog.set_level(logging.CRITICAL, "django.request")
    call("/webhooks/zapi/warm/", "GET")
    tracemalloc.start()
    try:
        for number in range(100):
            call("", "GET", PATH_INFO=f"/webhooks/zapi/{number}{'x' * 60_000}/")
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
