import io

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Min, Q

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


def test_it_makes_as_many_messages_as_asked_with_three_or_four_events_each(seeded):
    events = StatusEvent.objects.count() / Message.objects.count()
    # Those of this hour that would lie in the future are left out.
    assert 270 <= Message.objects.count() <= 300
    assert 3 <= events <= 4.5


def test_its_messages_are_what_their_events_say(seeded):
    told = Message.objects.annotate(
        first=Min("events__occurred_at"),
        delivered=Min("events__occurred_at", filter=Q(events__status="RECEIVED")),
    )
    assert not told.exclude(started_at=F("first")).exists()
    assert not told.filter(delivered__isnull=False).exclude(delivered_at=F("delivered")).exists()


def test_there_is_something_of_everything(seeded):
    found = Message.objects.aggregate(
        groups=Count("pk", filter=Q(is_group=True)),
        several=Count("pk", filter=Q(several=True)),
        inbound=Count("pk", filter=Q(inbound=True)),
        failed=Count("pk", filter=Q(rank=25)),
        read=Count("pk", filter=Q(rank=40)),
    )
    assert all(found.values()), found
    assert Alias.objects.exists()


def test_its_hours_are_counted(seeded):
    summed = sum(HourlySummary.objects.values_list("messages", flat=True))
    assert summed == Message.objects.filter(inbound=False).count()


def test_a_second_run_adds_other_messages(seeded):
    seed(messages=100)
    assert Message.objects.count() > 380


def test_a_board_with_instances_of_its_own_is_left_alone(transactional_db, instance):
    with pytest.raises(CommandError, match="has real instances"):
        seed()
    assert not Message.objects.exists()


def test_unless_that_is_wished(transactional_db, instance):
    seed(force=True)
    assert Instance.objects.count() == 4
