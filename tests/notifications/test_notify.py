"""Told at once, then in digests; tried again; and told that it is over."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from messages.incidents.detect import detect
from messages.models import Channel, ChannelKind, IncidentKind, Instance, Notification, Transition
from messages.notifications.delivery_lines import LEASE, notify
from messages.notifications.notification_queue import enqueue
from tests.notifications.conftest import SECRET, channel, messages_of, opened, resolved, turns
from tests.receiver import Reply

OPERATORS_GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operator.md"


def test_the_first_is_told_at_once(instance, webhook, receiver):
    opened(instance)
    assert notify() == 1
    message = messages_of(receiver)[0]
    assert message["subject"] == "Atendimento: Messages stuck"
    assert turns(message) == [("stuck", "opened")]
    assert message["url"] == "https://board.example.com/attention/"


def test_what_follows_is_gathered_into_one_digest(instance, webhook, receiver, clock):
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


def test_what_cannot_be_put_in_words_is_given_up_in_the_end(instance, webhook, receiver, clock):
    opened(instance, IncidentKind.SILENT, values={"of": "another version"})
    assert notify() == 0
    assert Channel.objects.get().problem == "The request could not be sent."
    clock.advance(hours=25)
    notify()
    opened(instance)
    clock.advance(hours=2)
    assert notify() == 1


def test_recovery_is_told_too(instance, webhook, receiver, clock):
    incident = opened(instance)
    notify()
    clock.advance(minutes=42)
    resolved(incident)
    notify()
    assert turns(messages_of(receiver)[1]) == [("stuck", "resolved")]
    assert messages_of(receiver)[1]["subject"] == "Resolved: Atendimento: Messages stuck"


def test_what_turned_out_to_be_part_of_another_is_not_told_as_over(
    instance, webhook, receiver, clock
):
    incident = opened(instance, values={"count": 4, "part_of": "disconnected"})
    notify()
    clock.advance(minutes=11)
    enqueue(incident, Transition.MERGED)
    notify()
    message = messages_of(receiver)[1]
    assert turns(message) == [("stuck", "merged")]
    assert message["subject"] == "Merged: Atendimento: Messages stuck"


def test_of_what_came_and_went_within_a_pause_only_the_end_is_told(
    instance, webhook, receiver, clock
):
    opened(instance)
    notify()
    resolved(opened(instance, IncidentKind.EXPIRING, values={"days": 3}))
    clock.advance(minutes=11)
    notify()
    assert turns(messages_of(receiver)[1]) == [("expiring", "resolved")]


def test_a_failure_is_tried_again_with_more_and_more_time_between(
    instance, webhook, receiver, clock
):
    receiver.reply = Reply(500)
    opened(instance)
    for minutes in (0, 1, 2, 4):
        clock.advance(minutes=minutes, seconds=1)
        notify()
        notify()
    assert len(receiver.received) == 4
    assert Channel.objects.get().message == "The receiver returned an error."
    receiver.reply = Reply()
    clock.advance(minutes=9)
    assert notify() == 1
    assert Channel.objects.get().problem == ""


def test_a_copy_bears_the_same_id(instance, webhook, receiver, clock):
    receiver.replies = [Reply(503)]
    opened(instance)
    notify()
    clock.advance(minutes=2)
    opened(instance, IncidentKind.WEBHOOK, values={})
    notify()
    first, second = receiver.received
    assert first.delivery == second.delivery
    assert turns(messages_of(receiver)[1]) == [("stuck", "opened")]


def test_a_receiver_that_stays_away_for_a_day_is_spared_old_news(
    instance, webhook, receiver, clock
):
    receiver.reply = Reply(500)
    opened(instance)
    notify()
    clock.advance(hours=25)
    notify()
    assert [one.state for one in Notification.objects.all()] == ["given up"]


def test_a_channel_in_another_worker_s_hands_is_left_alone(instance, webhook, receiver, clock):
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
def test_a_channel_is_told_of_the_kinds_that_it_wants(instance, receiver, fields, told):
    channel(ChannelKind.SLACK, receiver.url, **fields)
    opened(instance)
    assert notify() == told


def test_a_channel_is_told_of_its_instances_and_of_what_concerns_all(instance, receiver, webhook):
    other = Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")
    webhook.instances.set([other])
    opened(instance)
    opened(other)
    opened(None, IncidentKind.SPOOL, place="door-1", values={"waiting": 3})
    notify()
    told = [one["instance"] for one in messages_of(receiver)[0]["incidents"]]
    assert told == ["Vendas", None]


def test_who_was_not_told_of_its_beginning_is_not_told_of_its_end(
    instance, webhook, receiver, clock
):
    incident = opened(instance)
    channel(ChannelKind.SLACK, receiver.url, name="Later")
    resolved(incident)
    told = Notification.objects.values_list("channel__name", "transition")
    assert set(told) == {("webhook", "opened"), ("webhook", "resolved")}


def test_a_channel_that_fails_is_told_of_by_the_others(instance, webhook, receiver, clock):
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


def test_an_e_mail_says_what_and_what_to_do_in_the_channel_s_language(instance, settings):
    channel(ChannelKind.EMAIL, "ana@example.com, bia@example.com")
    opened(instance)
    notify()
    message = mail.outbox[0]
    assert message.to == ["ana@example.com", "bia@example.com"]
    assert message.subject == "[Statusboard] Atendimento: Messages stuck"
    assert "4 messages are stuck. 37 messages wait in Z-API’s queue, not sent yet." in message.body
    assert f"https://board.example.com/?view=stuck&instance={instance.pk}" in message.body
    assert "(UTC)" in message.body


@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_a_channel_is_told_the_time_in_the_default_zone(instance, clock, settings, language):
    settings.DEFAULT_TIME_ZONE = "America/Sao_Paulo"
    clock.now = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
    channel(ChannelKind.EMAIL, "ana@example.com", language=language)
    Channel.objects.update(next_at=clock.now)
    opened(instance)
    notify()
    assert "23:30 (America/Sao_Paulo)" in mail.outbox[0].body


def test_how_long_it_lasted_is_told_as_the_page_shows_it(instance, webhook, clock):
    channel(ChannelKind.EMAIL, "ana@example.com")
    clock.advance(seconds=1)
    incident = opened(instance)
    clock.advance(hours=2, minutes=30)
    resolved(incident)
    notify()
    assert "Duration: 2 h 30 min." in mail.outbox[0].body


def test_without_a_mail_server_nobody_counts_as_told(instance, settings):
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.console.EmailBackend"
    channel(ChannelKind.EMAIL, "ana@example.com")
    opened(instance)
    assert notify() == 0
    assert "Set EMAIL_URL" in Channel.objects.get().message


def test_a_mail_server_that_is_away_is_tried_again(instance, settings):
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    channel(ChannelKind.EMAIL, "ana@example.com")
    opened(instance)
    assert notify() == 0
    assert "The mail server is unreachable" in Channel.objects.get().message


def test_slack_gets_text_that_cannot_be_taken_for_its_own_signs(instance, receiver):
    Instance.objects.update(name="<!channel> & co")
    channel(ChannelKind.SLACK, receiver.url)
    opened(Instance.objects.get())
    notify()
    assert "&lt;!channel&gt; &amp; co: Messages stuck" in messages_of(receiver)[0]["text"]


def test_slack_is_told_the_title_of_one_problem_once(instance, receiver):
    channel(ChannelKind.SLACK, receiver.url)
    opened(instance)
    notify()
    assert messages_of(receiver)[0]["text"].count("Atendimento: Messages stuck") == 1


def test_no_token_number_or_address_is_told(instance, webhook, receiver):
    opened(instance)
    notify()
    told = repr(receiver.received[0].headers) + receiver.bodies[0].decode()
    for secret in ("token-of-the-instance", "client-token-of-the-account", SECRET, receiver.url):
        assert secret not in told


class TestTheExampleForReceivers:
    """The very code of docs/operator.md, run."""

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

    def test_it_takes_ours(self, verify, received):
        assert verify(SECRET, received.headers, received.body)

    def test_it_takes_no_other_body_secret_or_time(self, verify, received):
        assert not verify(SECRET, received.headers, received.body + b" ")
        assert not verify("another", received.headers, received.body)
        later = received.headers | {"x-statusboard-timestamp": "1"}
        assert not verify(SECRET, later, received.body)

    def test_it_takes_nothing_old(self, verify, received, monkeypatch):
        at = int(received.headers["x-statusboard-timestamp"])
        monkeypatch.setattr("time.time", lambda: at + 301)
        assert not verify(SECRET, received.headers, received.body)
