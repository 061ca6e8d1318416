"""The Health page: buffer, processing queue, forwarding lines."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from messages.domain.causes import Cause
from messages.forwarding import set_forwarding
from messages.incidents.incident_counts import Counts, incident_counts
from messages.ingest import Delivery, new_delivery_id, spool
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Action,
    AuditEvent,
    FollowUp,
    Forward,
    Incident,
    IncidentKind,
    Instance,
    SpooledCallback,
    UserLimit,
)
from messages.monitoring.doctor.findings import ok
from statusboard import __version__

HEALTH = reverse("dashboard:health")
STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"]}


@pytest.fixture
def read(client, admin):
    def page():
        return client.get(HEALTH).content.decode()

    return page


def keep(zapi_id: str, cause: Cause | None = None) -> None:
    now = datetime.now(UTC)
    spool.keep(Delivery(new_delivery_id(), zapi_id, 1, now, b"{}"))
    if cause:
        spool.set_aside(SpooledCallback.objects.latest("pk"), cause)


@pytest.fixture
def _all_checks_pass(monkeypatch):
    """This machine may be short of memory or of a worker."""
    monkeypatch.setattr("messages.monitoring.doctor.run_local", lambda: [ok("Fine.")])


def open_part(page: str) -> str:
    """What is visible without opening the folded details."""
    return page.partition('<details class="fold">')[0]


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_without_problems_is_one_line(spool_path, read, post):
    post(STATUS)
    follow_up()
    page = open_part(read())
    assert "Everything is fine: callbacks arrive, the worker runs, nothing is late." in page
    assert "just now" in page
    assert "<h2" not in page


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_with_a_problem_opens_only_what_is_wrong(spool_path, read, instance):
    keep(instance.zapi_id)
    page = open_part(read())
    assert "1 thing needs you:</strong>" in page
    assert '<a href="#spool">Offline buffer</a>' in page
    assert "check the database and the worker" in page
    assert re.findall(r'<h2 id="([a-z-]+)"', page) == ["spool"]


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_names_the_checks_without_a_problem(spool_path, read):
    fold = " ".join(read().partition("Checks without a problem:")[2].partition("<")[0].split())
    assert fold == "Offline buffer, Processing queue, E-mails, Rejected callbacks, This server"


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_without_any_callback_does_not_claim_that_they_arrive(spool_path, read):
    page = open_part(read())
    assert "Nothing is wrong, but no callback has arrived yet." in page
    assert "Everything is fine" not in page


@pytest.fixture
def problem(instance):
    """Open a problem. Health and the banner show it."""

    def open_one(kind, **fields):
        now = datetime.now(UTC)
        incident_counts.freeze(Counts(open=1))
        fields |= {"instance": instance, "opened_at": now, "last_seen_at": now}
        return Incident.objects.create(kind=kind, **fields)

    return open_one


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_links_an_open_problem_that_nobody_works_on(spool_path, read, problem):
    incident = problem(IncidentKind.DISCONNECTED)
    notice = open_part(read()).partition('class="notice error"')[2]
    assert "1 thing needs you:" in notice
    assert f'<a href="/attention/#problem-{incident.pk}">Atendimento is disconnected</a>' in notice


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_counts_a_problem_and_the_part_that_it_is_about_once(
    spool_path, read, problem, post
):
    post(b"{")
    problem(IncidentKind.QUARANTINE, values={"count": 1})
    page = open_part(read())
    assert "1 thing needs you:" in page
    assert 'id="quarantine"' in page


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_with_problems_that_somebody_works_on_needs_nobody(spool_path, read, problem, admin):
    problem(IncidentKind.FAILING, acknowledged_at=datetime.now(UTC), acknowledged_by=admin)
    page = open_part(read())
    assert (
        "Nothing needs you now: somebody is working on every problem."
        in page.partition('class="notice"')[2]
    )
    assert "Everything is fine" not in page


@pytest.mark.usefixtures("_all_checks_pass")
def test_callbacks_of_unknown_types_are_for_information_only(spool_path, read, post):
    post({"type": "NewCallback"})
    page = read()
    assert "needs you" not in page
    info = page.partition('id="unknown-types"')[2].partition("</details>")[0]
    assert "For information" in info
    assert "Nobody has to act." in info


@pytest.mark.usefixtures("_all_checks_pass")
def test_health_opens_a_queue_only_if_it_is_late(spool_path, read, post, clock):
    post(STATUS)
    assert 'id="follow-ups"' not in open_part(read())
    clock.advance(minutes=2)
    assert 'id="follow-ups"' in open_part(read())


def test_health_shows_the_version_and_commit_of_statusboard(read, settings):
    settings.BUILD_COMMIT = "abc123"
    assert f"Statusboard {__version__}, commit abc123" in read()


def test_buffer_shows_count_and_oldest_callback(spool_path, read, instance):
    keep(instance.zapi_id)
    page = open_part(read())
    assert "<dt>Waiting</dt><dd>1</dd>" in page
    assert "<dt>Oldest</dt><dd><time" in page


def test_rejected_callbacks_show_their_cause(spool_path, read, instance):
    for _ in range(2):
        keep(instance.zapi_id, Cause.KEY_RETIRED)
    keep("nobody", Cause.NO_INSTANCE)
    page = read()
    assert "The key in its URL is disabled." in page
    assert "Atendimento" in page
    assert "nobody" in page


def test_retry_of_rejected_callbacks_is_audited(spool_path, client, admin, instance):
    keep(instance.zapi_id, Cause.KEY_RETIRED)
    page = client.post(reverse("dashboard:spool-retry"), follow=True).content.decode()
    assert "1 callback is waiting again" in page
    assert (spool.state().waiting, spool.state().refused) == (1, 0)
    assert AuditEvent.objects.get(action=Action.REPLAYED).details == {"spooled": 1}


def test_rejected_callbacks_hide_other_instances_from_limited_users(
    spool_path, read, admin, instance
):
    keep(instance.zapi_id, Cause.KEY_RETIRED)
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=admin, instance=other)
    assert "Atendimento" not in read()


@pytest.fixture
def _limited_to_another(admin, instance):
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=admin, instance=other)


@pytest.mark.usefixtures("_limited_to_another")
def test_retry_of_the_buffer_skips_other_instances(spool_path, client, instance):
    for zapi_id in (instance.zapi_id, "other", "unknown"):
        keep(zapi_id, Cause.KEY_RETIRED)
    client.post(reverse("dashboard:spool-retry"))
    assert (spool.state().waiting, spool.state().refused) == (1, 2)
    assert AuditEvent.objects.get(action=Action.REPLAYED).details == {"spooled": 1}


@pytest.mark.usefixtures("_limited_to_another")
def test_unknown_instance_in_the_buffer_is_hidden_from_limited_users(spool_path, read):
    keep("unknown-to-the-board", Cause.NO_INSTANCE)
    assert "unknown-to-the-board" not in read()


@pytest.mark.usefixtures("_limited_to_another")
def test_retry_of_follow_ups_skips_other_instances(spool_path, client, read, post):
    post(STATUS)
    FollowUp.objects.update(set_aside_at=datetime.now(UTC))
    assert "Try to store them again" not in read()
    client.post(reverse("dashboard:follow-ups-retry"))
    assert FollowUp.objects.set_aside().count() == 1
    assert AuditEvent.objects.get(action=Action.REPLAYED).details == {"follow-ups": 0}


def test_unreadable_buffer_shows_the_reason(spool_path, read):
    spool_path.mkdir(parents=True)
    page = open_part(read())
    assert 'class="notice error"' in page
    assert "Cannot be read: " in page


def test_waiting_follow_ups_are_counted(spool_path, read, post):
    post(STATUS)
    assert "<dt>Waiting</dt><dd>1</dd>" in read()


def test_failed_follow_up_is_shown_and_retried(spool_path, client, read, post):
    post(STATUS)
    FollowUp.objects.update(set_aside_at=datetime.now(UTC))
    assert "<dt>Not processed</dt><dd>1</dd>" in read()
    page = client.post(reverse("dashboard:follow-ups-retry"), follow=True).content.decode()
    assert "Process again" not in page
    assert follow_up() == 1
    assert AuditEvent.objects.get(action=Action.REPLAYED).details == {"follow-ups": 1}


def test_rejected_callbacks_are_counted(spool_path, read, post):
    post(b"{")
    assert "<dt>Callbacks</dt><dd>1</dd>" in read()


def test_forwarding_lines_with_waiting_callbacks_are_shown(spool_path, read, post, instance):
    webhook = instance.webhooks.create(kind="message-status")
    set_forwarding(webhook, "https://crm.example.com/hook")
    assert "Forwarding of Atendimento" not in read()
    post(STATUS)
    follow_up()
    assert "Forwarding of Atendimento: Message status" in read()


def test_long_forwarding_line_is_not_counted_fully(
    spool_path, client, admin, instance, django_assert_max_num_queries
):
    webhook = instance.webhooks.create(kind="message-status", forward_to="https://a.example/")
    since = datetime.now(UTC)
    Forward.objects.bulk_create(
        Forward(webhook=webhook, callback_id=new_delivery_id(), body=b"{}", waiting_since=since)
        for _ in range(1100)
    )
    client.get(HEALTH)
    with django_assert_max_num_queries(22):
        page = client.get(HEALTH).content.decode()
    assert "1,000+" in page


def test_unknown_failure_reasons_are_grouped_and_counted(read, deliver):
    for name, text in {
        "A": "Error 17 at 5544999999999",
        "B": "error 18 at 551!",
        "C": "No",
    }.items():
        deliver(name, error=text)
    deliver("D", error="Phone number does not exist")
    deliver("E", error="Client-Token my-secret not allowed")
    page = read()
    assert "Unknown failure reasons" in page
    (group,) = re.findall(r"error 18 at 551!</td>\s*<td[^>]*>(\d+)</td>", page)
    assert group == "2"
    assert "Phone number does not exist" not in page
    assert "my-secret" not in page


def test_health_without_unknown_failure_reasons_has_no_list(read, deliver):
    deliver(error="Phone number does not exist")
    assert "Unknown failure reasons" not in read()
