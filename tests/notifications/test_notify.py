"""Send notifications at once and in digests, retry them, and report resolved incidents."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from messages.domain.problems import Problem
from messages.incidents.detect import detect
from messages.models import Channel, ChannelKind, IncidentKind, Instance, Notification, Transition
from messages.notifications.delivery_lines import LEASE, notify
from messages.notifications.notification_queue import enqueue
from tests.plugins.notifications import SECRET, channel, messages_of, opened, resolved, turns
from tests.plugins.receiver import Reply

OPERATORS_GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operator.md"


def test_first_incident_is_sent_at_once(instance, webhook, receiver):
    opened(instance)
    assert notify() == 1
    message = messages_of(receiver)[0]
    assert message["subject"] == "Atendimento: Messages stuck"
    assert turns(message) == [("stuck", "opened")]
    assert message["url"] == "https://board.example.com/attention/"


def test_later_incidents_are_sent_in_one_digest(instance, webhook, receiver, clock):
    opened(instance)
    notify()
    for kind in (IncidentKind.FAILING, IncidentKind.WEBHOOK):
        opened(instance, kind, values={"failed": 6, "sent": 9, "hooks": ["delivery"]})
        clock.advance(minutes=1)
        notify()
    assert len(receiver.received) == 1
    clock.advance(minutes=9)
    notify()
    assert turns(messages_of(receiver)[1]) == [("failing", "opened"), ("webhook", "opened")]
    assert messages_of(receiver)[1]["subject"] == "2 problems"


def test_digest_that_cannot_be_built_is_given_up(instance, webhook, receiver, clock):
    opened(instance, IncidentKind.SILENT, values={"of": "another version"})
    assert notify() == 0
    assert Channel.objects.get().problem == Problem.IMPOSSIBLE
    clock.advance(hours=25)
    notify()
    opened(instance)
    clock.advance(hours=2)
    assert notify() == 1


def test_resolution_is_sent(instance, webhook, receiver, clock):
    incident = opened(instance)
    notify()
    clock.advance(minutes=42)
    resolved(incident)
    notify()
    assert turns(messages_of(receiver)[1]) == [("stuck", "resolved")]
    assert messages_of(receiver)[1]["subject"] == "Resolved: Atendimento: Messages stuck"


def test_merged_incident_is_not_sent_as_resolved(instance, webhook, receiver, clock):
    incident = opened(instance, values={"count": 4, "part_of": "disconnected"})
    notify()
    clock.advance(minutes=11)
    enqueue(incident, Transition.MERGED)
    notify()
    message = messages_of(receiver)[1]
    assert turns(message) == [("stuck", "merged")]
    assert message["subject"] == "Merged: Atendimento: Messages stuck"


def test_incident_within_a_pause_is_sent_as_resolved_only(instance, webhook, receiver, clock):
    opened(instance)
    notify()
    resolved(opened(instance, IncidentKind.EXPIRING, values={"days": 3}))
    clock.advance(minutes=11)
    notify()
    assert turns(messages_of(receiver)[1]) == [("expiring", "resolved")]


def test_failed_delivery_is_retried_with_growing_delays(instance, webhook, receiver, clock):
    receiver.reply = Reply(500)
    opened(instance)
    for minutes in (0, 1, 2, 4):
        clock.advance(minutes=minutes, seconds=1)
        notify()
        notify()
    assert len(receiver.received) == 4
    assert Channel.objects.get().problem == Problem.FAULT
    receiver.reply = Reply()
    clock.advance(minutes=9)
    assert notify() == 1
    assert Channel.objects.get().problem == ""


def test_repeated_delivery_has_the_same_id(instance, webhook, receiver, clock):
    receiver.replies = [Reply(503)]
    opened(instance)
    notify()
    clock.advance(minutes=2)
    opened(instance, IncidentKind.WEBHOOK, values={})
    notify()
    first, second = receiver.received
    assert first.delivery == second.delivery
    assert turns(messages_of(receiver)[1]) == [("stuck", "opened")]


def test_notifications_older_than_a_day_are_dropped(instance, webhook, receiver, clock):
    receiver.reply = Reply(500)
    opened(instance)
    notify()
    clock.advance(hours=25)
    notify()
    assert [one.state for one in Notification.objects.all()] == ["given up"]


def test_leased_channel_is_skipped(instance, webhook, receiver, clock):
    opened(instance)
    Channel.objects.update(next_at=clock.now + LEASE)
    assert notify() == 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, True),
        ({"kinds": ["stuck"]}, True),
        ({"kinds": ["silent", "spool"]}, False),
        ({"enabled": False}, False),
    ],
)
def test_channel_gets_only_its_kinds(instance, receiver, fields, told):
    channel(ChannelKind.SLACK, receiver.url, **fields)
    opened(instance)
    assert notify() == told


def test_channel_gets_its_instances_and_general_incidents(instance, receiver, webhook):
    other = Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")
    webhook.instances.set([other])
    opened(instance)
    opened(other)
    opened(None, IncidentKind.SPOOL, place="door-1", values={"waiting": 3})
    notify()
    told = [one["instance"] for one in messages_of(receiver)[0]["incidents"]]
    assert told == ["Vendas", None]


def test_resolution_is_sent_only_to_notified_channels(instance, webhook, receiver, clock):
    incident = opened(instance)
    channel(ChannelKind.SLACK, receiver.url, name="Later")
    resolved(incident)
    told = Notification.objects.values_list("channel__name", "transition")
    assert set(told) == {("webhook", "opened"), ("webhook", "resolved")}


def test_failing_channel_is_reported_by_other_channels(instance, webhook, receiver, clock):
    channel(ChannelKind.SLACK, "http://127.0.0.1:1/hook", name="Broken")
    clock.advance(seconds=1)
    opened(instance)
    notify()
    clock.advance(minutes=11)
    detect(enqueue)
    notify()
    told = [one for one in messages_of(receiver)[1]["incidents"] if one["kind"] == "channel"]
    assert [(one["channel"], one["machine"]) for one in told] == [("Broken", None)]
    assert told[0]["text"] == (
        "Notifications through this channel have failed for over 10 minutes. "
        "The receiver cannot be reached."
    )
    assert not Notification.objects.filter(channel__name="Broken", incident__kind="channel")


def test_email_is_written_in_the_channels_language(instance, settings):
    channel(ChannelKind.EMAIL, "ana@example.com, bia@example.com")
    opened(instance)
    notify()
    message = mail.outbox[0]
    assert message.to == ["ana@example.com", "bia@example.com"]
    assert message.subject == "[Statusboard] Atendimento: Messages stuck"
    assert (
        "4 messages of the last 24 hours are stuck: sent, but not confirmed as delivered. "
        "37 messages wait in Z-API’s queue, not sent yet."
    ) in message.body
    assert f"https://board.example.com/?view=stuck&instance={instance.pk}" in message.body
    assert "(UTC)" in message.body


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("stuck", {}, "Who acts: support, and whoever has access to Z-API’s panel.\n"),
        (
            "webhook",
            {"hooks": ["delivery"]},
            "Who acts: an admin of Statusboard. Support cannot solve this.\n",
        ),
    ],
)
def test_email_says_who_acts_and_whether_support_can(instance, kind, values, words):
    channel(ChannelKind.EMAIL, "ana@example.com")
    opened(instance, kind, values={"count": 4} | values)
    notify()
    assert words in mail.outbox[0].body


def test_email_about_a_solved_problem_asks_nobody_to_act(instance, clock):
    channel(ChannelKind.EMAIL, "ana@example.com")
    resolved(opened(instance))
    clock.advance(seconds=1)
    notify()
    assert "Who acts" not in mail.outbox[0].body


@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_times_are_sent_in_the_default_time_zone(instance, clock, settings, language):
    settings.DEFAULT_TIME_ZONE = "America/Sao_Paulo"
    clock.now = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
    channel(ChannelKind.EMAIL, "ana@example.com", language=language)
    Channel.objects.update(next_at=clock.now)
    opened(instance)
    notify()
    assert "23:30 (America/Sao_Paulo)" in mail.outbox[0].body


def test_duration_is_formatted_as_on_the_page(instance, webhook, clock):
    channel(ChannelKind.EMAIL, "ana@example.com")
    clock.advance(seconds=1)
    incident = opened(instance)
    clock.advance(hours=2, minutes=30)
    resolved(incident)
    notify()
    assert "Duration: 2 h 30 min." in mail.outbox[0].body


def test_email_without_a_mail_server_fails(instance, settings):
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.console.EmailBackend"
    channel(ChannelKind.EMAIL, "ana@example.com")
    opened(instance)
    assert notify() == 0
    assert Channel.objects.get().problem == Problem.NO_MAIL_SERVER


def test_unreachable_mail_server_is_retried(instance, settings):
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    channel(ChannelKind.EMAIL, "ana@example.com")
    opened(instance)
    assert notify() == 0
    assert Channel.objects.get().problem == Problem.MAIL_FAILED


def test_slack_text_is_escaped(instance, receiver):
    Instance.objects.update(name="<!channel> & co")
    channel(ChannelKind.SLACK, receiver.url)
    opened(Instance.objects.get())
    notify()
    assert "&lt;!channel&gt; &amp; co: Messages stuck" in messages_of(receiver)[0]["text"]


def test_slack_text_of_one_incident_has_one_title(instance, receiver):
    channel(ChannelKind.SLACK, receiver.url)
    opened(instance)
    notify()
    assert messages_of(receiver)[0]["text"].count("Atendimento: Messages stuck") == 1


def test_notification_contains_no_token_number_or_address(instance, webhook, receiver):
    opened(instance)
    notify()
    told = repr(receiver.received[0].headers) + receiver.bodies[0].decode()
    for secret in ("token-of-the-instance", "client-token-of-the-account", SECRET, receiver.url):
        assert secret not in told


class TestTheExampleForReceivers:
    """The code example in docs/operator.md is executed."""

    @pytest.fixture
    def verify(self):
        guide = OPERATORS_GUIDE.read_text()
        example = re.search(r"```python\n(.*?def is_genuine.*?)```", guide, re.DOTALL)
        assert example
        names: dict[str, Any] = {}
        exec(example[1], names)  # noqa: S102
        return names["is_genuine"]

    @pytest.fixture
    def received(self, instance, webhook, receiver):
        opened(instance)
        notify()
        return receiver.received[0]

    def test_example_accepts_a_genuine_notification(self, verify, received):
        assert verify(SECRET, received.headers, received.body)

    def test_example_refuses_another_body_secret_or_time(self, verify, received):
        assert not verify(SECRET, received.headers, received.body + b" ")
        assert not verify("another", received.headers, received.body)
        later = received.headers | {"x-statusboard-timestamp": "1"}
        assert not verify(SECRET, later, received.body)

    def test_example_refuses_an_old_notification(self, verify, received, monkeypatch):
        at = int(received.headers["x-statusboard-timestamp"])
        monkeypatch.setattr("time.time", lambda: at + 301)
        assert not verify(SECRET, received.headers, received.body)
