"""/metrics, parsed as Prometheus does."""

import json
import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
import requests
from django.core.checks import run_checks
from django.db import OperationalError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from messages.ingest import first_id_at
from messages.ingest.service import breaker
from messages.jobs.heartbeat import Heartbeat
from messages.models import Callback, Channel, FollowUp, Forward, Incident, Transition
from messages.notifications.notification_queue import enqueue
from statusboard import __version__
from tests.plugins.webhook import Answer, call

READ = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": "5544999999999"}
TOKEN = "a-token-for-prometheus"
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "statusboard.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"


@pytest.fixture(autouse=True)
def _on(settings):
    settings.METRICS_ON, settings.METRICS_TOKEN = True, TOKEN


def scrape(**extra: str) -> Answer:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}"} | extra
    return call("/metrics", "GET", b"", **headers)


def samples(text: str) -> dict[str, float]:
    """The values, by name and labels."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def figures() -> dict[str, float]:
    return samples(scrape().body.decode())


def test_metrics_without_a_token_setting_are_404(db, settings):
    settings.METRICS_ON, settings.METRICS_TOKEN = False, ""
    assert scrape().status == 404


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", TOKEN, "Bearer tök"])
def test_metrics_without_the_token_are_401(db, given):
    answer = scrape(HTTP_AUTHORIZATION=given)
    assert answer.status == 401
    assert b"statusboard_" not in answer.body


def test_allowed_network_needs_no_token(db, settings):
    settings.METRICS_TOKEN = ""
    settings.METRICS_ALLOWED_NETWORKS = [ip_network("10.0.0.0/8")]
    assert scrape(REMOTE_ADDR="10.1.2.3").status == 200
    assert scrape(REMOTE_ADDR="192.0.2.1", HTTP_AUTHORIZATION="Bearer ").status == 401


@pytest.fixture
def _loopback_allowed(db, settings):
    settings.METRICS_TOKEN = ""
    settings.METRICS_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


def from_here(**extra: str) -> int:
    return scrape(**{"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"} | extra).status


@pytest.mark.usefixtures("_loopback_allowed")
def test_allowed_loopback_needs_no_token():
    assert from_here() == 200
    assert from_here(HTTP_HOST="localhost") == 200


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("HTTP_X_FORWARDED_FOR", "203.0.113.7"),
        ("HTTP_X_FORWARDED_FOR", "127.0.0.1"),
        ("HTTP_X_FORWARDED_FOR", ""),
        ("HTTP_FORWARDED", "for=127.0.0.1"),
        ("HTTP_VIA", "1.1 proxy"),
        ("HTTP_X_REAL_IP", "203.0.113.7"),
        ("HTTP_X_FORWARDED_PROTO", "https"),
        ("HTTP_HOST", "board.example.com"),
    ],
)
def test_local_proxy_does_not_allow_its_clients(remote, header, value):
    assert from_here(REMOTE_ADDR=remote, **{header: value}) == 401


@pytest.mark.usefixtures("_loopback_allowed")
def test_trusted_proxy_reports_the_client(settings):
    settings.WEBHOOK_TRUSTED_PROXIES = [ip_network("127.0.0.1/32")]
    settings.METRICS_ALLOWED_NETWORKS += [ip_network("10.0.0.0/8")]
    assert from_here(HTTP_X_FORWARDED_FOR="10.1.2.3") == 200
    assert from_here(HTTP_X_FORWARDED_FOR="203.0.113.7") == 401
    assert from_here(HTTP_X_FORWARDED_FOR="10.1.2.3, 203.0.113.7") == 401


@pytest.mark.parametrize(
    ("networks", "warned"), [("127.0.0.0/8", True), ("::/0", True), ("10.0.0.0/8", False)]
)
def test_network_that_includes_loopback_gives_a_warning(settings, networks, warned):
    settings.METRICS_ALLOWED_NETWORKS = [ip_network(networks)]
    found = [message.id for message in run_checks()]
    assert ("statusboard.W006" in found) is warned


def test_callbacks_are_counted_by_outcome(post):
    post(READ)
    post(READ)
    post(READ | {"instanceId": "somebody.else"})
    found = figures()
    for outcome in ("applied", "repeated", "quarantined"):
        assert found[f"statusboard_callbacks_last_minute{{outcome={outcome}}}"] == 1
    assert found["statusboard_quarantined"] == 1


def test_older_callbacks_are_not_counted(post):
    post(READ)
    Callback.objects.update(id=first_id_at(timezone.now() - timedelta(minutes=2)))
    assert figures()["statusboard_callbacks_last_minute{outcome=applied}"] == 0


def test_waiting_follow_ups_have_an_age(post):
    post(READ)
    FollowUp.objects.update(callback_id=first_id_at(timezone.now() - timedelta(minutes=5)))
    found = figures()
    assert found["statusboard_follow_ups_waiting"] == 1
    assert 299 < found["statusboard_follow_up_oldest_seconds"] < 400


def test_waiting_forwards_are_counted(instance):
    webhook = instance.webhooks.create(kind="message-status", forward_to="https://x.example/")
    since = timezone.now() - timedelta(hours=1)
    for state in ("waiting", "waiting", "given up"):
        Forward.objects.create(
            webhook=webhook,
            callback_id=first_id_at(since),
            body=b"{}",
            state=state,
            waiting_since=since,
        )
    found = figures()
    assert found["statusboard_forwards_waiting"] == 2
    assert found["statusboard_forwards_given_up"] == 1
    assert found["statusboard_forward_oldest_seconds"] >= 3599


def test_instance_metric_is_seconds_since_the_last_callback(post):
    post(READ)
    Callback.objects.update(received_at=timezone.now() - timedelta(minutes=7))
    name = "statusboard_last_callback_seconds{name=Atendimento,zapi_instance=instance.id}"
    assert 419 < figures()[name] < 500


def test_workers_and_incidents_are_counted(db):
    now = timezone.now()
    Heartbeat([]).beat()
    Incident.objects.create(kind="silent", opened_at=now, last_seen_at=now)
    found = figures()
    assert found["statusboard_workers_running"] == 1
    assert found["statusboard_incidents_open{kind=silent}"] == 1


def test_failing_channels_are_counted(db):
    for failing_since in (None, timezone.now()):
        Channel.objects.create(name="On call", kind="email", failing_since=failing_since)
    assert figures()["statusboard_channels_failing"] == 1


def test_waiting_notifications_are_counted(instance):
    Channel.objects.create(name="On call", kind="email")
    incident = Incident.objects.create(
        kind="silent", instance=instance, opened_at=timezone.now(), last_seen_at=timezone.now()
    )
    enqueue(incident, Transition.OPENED)
    assert figures()["statusboard_notifications_waiting"] == 1


def test_spool_metrics_are_available_without_the_database(post, away):
    away(True)
    post(READ)
    found = figures()
    assert found["statusboard_spool_waiting"] == 1


def test_build_info_has_the_version_and_the_commit(db, settings):
    settings.BUILD_COMMIT = "abc123"
    assert figures()[f"statusboard_build_info{{commit=abc123,version={__version__}}}"] == 1


def test_metrics_contain_no_secret_or_number(post):
    post(READ)
    text = scrape().body.decode()
    for secret in ("token-of-the-instance", TOKEN, "5544999999999"):
        assert secret not in text


def test_metrics_query_count_does_not_depend_on_instances(instance, django_assert_num_queries):
    for number in range(5):
        instance.pk, instance.zapi_id = None, f"Z{number}"
        instance.save()
    with django_assert_num_queries(15):
        scrape()


@pytest.mark.parametrize("file", [DASHBOARD, ALERTS], ids=["grafana", "prometheus"])
def test_monitoring_file_uses_existing_metrics(db, file):
    expressions = re.findall(r"\bexpr\"?: (.*)", file.read_text())
    asked = {name for text in expressions for name in re.findall(r"statusboard_\w+", text)}
    there = set(re.findall(r"# TYPE (\w+)", scrape().body.decode()))
    there |= {f"statusboard_webhook_seconds_{part}" for part in ("bucket", "count", "sum")}
    assert asked
    assert asked <= there


def test_grafana_dashboard_is_json():
    assert json.loads(DASHBOARD.read_text())["title"] == "Statusboard"


@pytest.mark.processes
def test_webhook_latency_is_summed_over_processes(start_board):
    board = start_board(METRICS_TOKEN=TOKEN, WEB_WORKERS="2")
    added = board.manage(
        *("instances", "add", "--name", "Loja", "--zapi-id", "Z", "--token", "T", "--no-push"),
        "--json",
    )
    path = json.loads(added.stdout)["webhook_url"].split("/webhooks/", 1)[1]
    for _ in range(20):
        requests.post(f"{board.url}/webhooks/{path}", json=READ, timeout=60)
    requests.post(f"{board.url}/webhooks/zapi/wrong/", json=READ, timeout=60)
    answer = requests.get(
        f"{board.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
    )
    found = samples(answer.text)
    assert found["statusboard_webhook_seconds_count{outcome=applied}"] == 1
    assert found["statusboard_webhook_seconds_count{outcome=repeated}"] == 19
    assert found["statusboard_webhook_seconds_count{outcome=refused}"] == 1
    assert requests.get(f"{board.url}/healthz", timeout=60).status_code == 200


def test_metrics_report_an_unavailable_database(db, monkeypatch):
    monkeypatch.setattr("messages.monitoring.prometheus._FIGURES", (_away,))
    breaker.open()
    assert figures()["statusboard_database_up"] == 0


def _away():
    raise OperationalError("gone")
