import io

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Min, Q

from messages.management.history import History
from messages.models import Alias, HourlySummary, Instance, Message, StatusEvent


def seed(**options):
    out = io.StringIO()
    call_command(
        "seed_history", **{"messages": 300, "days": 2, "instances": 3} | options, stdout=out
    )
    return out.getvalue()


@pytest.fixture
def seeded(transactional_db):
    return seed()


def test_seed_creates_the_requested_number_of_messages(seeded):
    events = StatusEvent.objects.count() / Message.objects.count()
    # Messages of the current hour with a future time are omitted.
    assert 270 <= Message.objects.count() <= 300
    assert 3 <= events <= 4.5


def test_seeded_messages_match_their_events(seeded):
    told = Message.objects.annotate(
        first=Min("events__occurred_at"),
        delivered=Min("events__occurred_at", filter=Q(events__status="RECEIVED")),
    )
    assert not told.exclude(started_at=F("first")).exists()
    assert not told.filter(delivered__isnull=False).exclude(delivered_at=F("delivered")).exists()


def test_seed_creates_every_kind_of_message(seeded):
    found = Message.objects.aggregate(
        groups=Count("pk", filter=Q(is_group=True)),
        several=Count("pk", filter=Q(several=True)),
        inbound=Count("pk", filter=Q(inbound=True)),
        failed=Count("pk", filter=Q(rank=25)),
        read=Count("pk", filter=Q(rank=40)),
    )
    assert all(found.values()), found
    assert Alias.objects.exists()


def test_seeded_messages_are_counted_in_summaries(seeded):
    summed = sum(HourlySummary.objects.values_list("messages", flat=True))
    assert summed == Message.objects.filter(inbound=False).count()


def test_second_seed_adds_messages(seeded):
    seed(messages=100)
    assert Message.objects.count() > 380


def test_seed_refuses_a_database_with_real_instances(transactional_db, instance):
    with pytest.raises(CommandError, match="has real instances"):
        seed()
    assert not Message.objects.exists()


def test_seed_with_force_accepts_real_instances(transactional_db, instance):
    seed(force=True)
    assert Instance.objects.count() == 4


def test_paused_instance_sends_nothing():
    now, pause = 1_790_000_000, (1_789_900_000, 1_789_950_000)
    history = History(messages=500, days=3, instances=[1], seed="1", now=now)
    history.pauses = {1: [pause]}
    starts = [min(step.at for step in life.steps) for life in history.lives()]
    assert min(starts) < pause[0] < pause[1] < max(starts)
    assert not [at for at in starts if pause[0] <= at < pause[1]]
