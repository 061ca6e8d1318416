"""After the clock was wrong for a while, all jobs continue."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import send_mail

from messages.exports import ask_for_file, prepare_exports
from messages.incidents.detect import detect
from messages.incidents.overdue import worker_absence
from messages.incidents.rhythm_learning import learn_rhythms
from messages.instances.bulk_jobs import run_batches, start_for
from messages.instances.push import push, push_wanted, run_due_pushes
from messages.instances.rotation import rotate_key
from messages.instances.verify import verify_due
from messages.jobs.heartbeat import Heartbeat
from messages.mail import deliver_mails
from messages.models import (
    BatchKind,
    ChannelKind,
    DataKind,
    ExportJob,
    ExportKind,
    ForwardLine,
    IncidentKind,
    Instance,
    QueuedMail,
    Retention,
)
from messages.notifications.delivery_lines import notify
from messages.notifications.notification_queue import enqueue
from messages.privacy.retention import Purge, save_periods
from tests.plugins.clock import Clock
from tests.plugins.forwarding import forward, forwarding, status, store
from tests.plugins.notifications import channel, opened
from tests.plugins.receiver import Reply

pytestmark = pytest.mark.django_db

JUMPS = [timedelta(hours=1), timedelta(days=1), timedelta(days=4000)]


@pytest.fixture(params=JUMPS, ids=str)
def with_wrong_clock(request: Any, clock: Clock) -> Callable[[Callable[[], Any]], None]:
    """Return a function that calls its argument while the clock is wrong (too far ahead)."""
    clock.advance(seconds=30)  # later than the times that the real clock stored in new rows

    def do(something: Callable[[], Any]) -> None:
        clock.now += request.param
        something()
        clock.now -= request.param

    return do


@pytest.fixture(autouse=True)
def _receivers_are_local(settings: Any) -> None:
    settings.FORWARD_ALLOW_PRIVATE = True


def one_more_problem(instance: Instance) -> None:
    opened(instance, IncidentKind.FAILING, values={"failed": 6, "sent": 9})


def test_channel_is_notified_after_a_clock_jump(with_wrong_clock, instance, receiver):
    channel(ChannelKind.WEBHOOK, receiver.url, secret="s", pause=1)
    opened(instance)
    with_wrong_clock(notify)
    one_more_problem(instance)
    assert notify() == 1


def test_failed_channel_is_retried_within_an_hour_of_a_clock_jump(
    with_wrong_clock, instance, receiver, clock
):
    receiver.replies = [Reply(500)]
    channel(ChannelKind.WEBHOOK, receiver.url, secret="s")
    opened(instance)
    with_wrong_clock(notify)
    clock.advance(hours=1, minutes=2)
    assert notify() == 1


def test_channel_keeps_a_long_pause(clock, instance, receiver):
    clock.advance(seconds=30)
    channel(ChannelKind.WEBHOOK, receiver.url, secret="s", pause=1440)
    opened(instance)
    notify()
    one_more_problem(instance)
    clock.advance(hours=23)
    assert notify() == 0


def test_forwarding_continues_after_a_clock_jump(with_wrong_clock, instance, receiver, clock):
    forwarding(instance, receiver.url)
    store(instance, status(1))
    with_wrong_clock(lambda: forward(clock))
    store(instance, status(2))
    assert forward(clock) == 1


def test_failing_forwarding_line_starts_in_the_past_after_a_clock_jump(
    with_wrong_clock, instance, receiver, clock
):
    receiver.reply = Reply(500)
    forwarding(instance, receiver.url)
    store(instance, status(1))
    with_wrong_clock(lambda: forward(clock))
    clock.advance(hours=1, minutes=2)
    forward(clock)
    assert ForwardLine.objects.get().failing_since <= clock.now


def test_email_is_retried_after_a_clock_jump(with_wrong_clock, settings, clock):
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens

    def send() -> None:
        send_mail("Subject", "Text", None, ["ana@example.com"])
        QueuedMail.objects.update(created_at=clock.now)
        deliver_mails()

    with_wrong_clock(send)
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert deliver_mails() == 1


def test_instance_is_verified_after_a_clock_jump(with_wrong_clock, instance, zapi):
    with_wrong_clock(verify_due)
    assert verify_due() == 1


def test_verify_result_is_saved_after_a_clock_jump(with_wrong_clock, instance, zapi):
    with_wrong_clock(verify_due)
    remembered = zapi.instances[instance.zapi_id]
    remembered.urls["message-status"], remembered.connected = "https://crm.example.com/", False
    verify_due()
    assert instance.webhooks.get(kind="message-status").found_url == "https://crm.example.com/"
    assert Instance.objects.get().connected is False


def test_push_is_retried_after_a_clock_jump(with_wrong_clock, instance, zapi):
    zapi.answer_name = "fault"
    with_wrong_clock(lambda: push(instance))
    assert run_due_pushes() == 1


def test_waiting_batch_row_is_processed_after_a_clock_jump(with_wrong_clock, instance, zapi):
    zapi.answer_name = "too-many"
    batch = start_for([instance], BatchKind.PUSH)
    with_wrong_clock(run_batches)
    zapi.answer_name = "ok"
    run_batches()
    assert batch.rows.get().state != "waiting"


def test_old_key_is_valid_for_an_hour_after_a_clock_jump(with_wrong_clock, instance, zapi, clock):
    push_wanted(instance)
    with_wrong_clock(lambda: rotate_key(instance))
    run_due_pushes()
    verify_due()
    assert Instance.objects.get().oldest_key_version == 1
    clock.advance(hours=1, minutes=20)
    verify_due()
    assert Instance.objects.get().oldest_key_version == 2


def test_abandoned_export_is_written_after_a_clock_jump(with_wrong_clock, clock):
    job = ask_for_file(User.objects.create_superuser("ana"), ExportKind.CSV, "", "UTC")

    def claim() -> None:
        ExportJob.objects.update(next_try_at=clock.now + ExportJob.LEASE)

    with_wrong_clock(claim)
    assert prepare_exports() == 1
    job.refresh_from_db()
    assert job.state == "done"


def test_api_key_limit_resets_after_a_clock_jump(with_wrong_clock, make_key, settings):
    settings.API_REQUESTS_PER_MINUTE = 1
    caller = make_key()
    with_wrong_clock(lambda: caller.read("/messages/"))
    assert caller.send("GET", "/messages/").status_code == 200


def test_usual_silence_is_learnt_after_a_clock_jump(with_wrong_clock, instance):
    with_wrong_clock(learn_rhythms)
    assert learn_rhythms() == 1


def test_purge_runs_after_a_clock_jump(with_wrong_clock, clock):
    save_periods({DataKind.INCIDENTS: 30}, by=None)
    purge = Purge(threading.Event())
    with_wrong_clock(purge.run)
    purge.run()
    assert Retention.objects.get().finished_at == clock.now


def test_worker_killed_with_a_wrong_clock_is_reported_missing(with_wrong_clock, clock):
    with_wrong_clock(Heartbeat([]).beat)
    assert worker_absence(clock.now)


def test_incident_is_resolved_in_time_after_clock_jumps(with_wrong_clock, instance, clock):
    incident = opened(instance)
    for _ in range(2):
        with_wrong_clock(lambda: detect(enqueue))
        detect(enqueue)
    clock.advance(minutes=6)
    detect(enqueue)
    incident.refresh_from_db()
    assert incident.resolved_at
