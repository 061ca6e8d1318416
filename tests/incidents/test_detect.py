"""Opened once, resolved by itself, told of each time."""

import pytest
from django.db import IntegrityError

from messages.incidents.detect import detect
from messages.incidents.findings import Finding
from messages.models import Incident, IncidentKind
from tests.incidents.conftest import Told

KIND = IncidentKind.FAILING


class World:
    def __init__(self, told: Told) -> None:
        self.found: list[Finding] = []
        self._told = told

    def __call__(self) -> int:
        return detect(self._told, rules={KIND: lambda snapshot: self.found})


@pytest.fixture
def world(told, clock):
    """Findings that a test decides."""
    return World(told)


@pytest.fixture
def finding(instance):
    return Finding(KIND, instance, values={"failed": 5, "sent": 9})


def test_it_opens_once_and_is_kept_up_to_date(world, finding, instance, told, clock):
    world.found.append(finding)
    world()
    clock.advance(minutes=1)
    world.found[:] = [Finding(KIND, instance, values={"failed": 8, "sent": 9})]
    world()
    incident = Incident.objects.get()
    assert told == [("failing", "opened")]
    assert (incident.values["failed"], incident.last_seen_at) == (8, clock.now)


def test_it_resolves_once_it_has_been_gone_for_a_while(world, finding, told, clock):
    world.found.append(finding)
    world()
    world.found.clear()
    world()
    gone = clock.now
    clock.advance(minutes=4)
    world()
    assert Incident.objects.open().exists()
    clock.advance(minutes=2)
    world()
    assert Incident.objects.get().resolved_at == gone
    assert told == [("failing", "opened"), ("failing", "resolved")]


def test_what_comes_and_goes_is_one_incident(world, finding, told, clock):
    for _ in range(5):
        world.found[:] = [finding]
        world()
        clock.advance(minutes=3)
        world.found.clear()
        world()
        clock.advance(minutes=3)
    assert told == [("failing", "opened")]


def test_the_next_time_is_another_incident(world, finding, told, clock):
    for _ in range(2):
        world.found[:] = [finding]
        world()
        world.found.clear()
        world()
        clock.advance(minutes=6)
        world()
    assert Incident.objects.resolved().count() == 2


def test_a_rule_that_fails_resolves_nothing_and_stops_no_other(instance, told, clock):
    def broken(snapshot):
        raise RuntimeError("out of order")

    other = IncidentKind.EXPIRING
    Incident.objects.create(
        kind=KIND, instance=instance, opened_at=clock.now, last_seen_at=clock.now
    )
    for _ in range(2):
        detect(told, rules={KIND: broken, other: lambda snapshot: [Finding(other, instance)]})
        clock.advance(minutes=6)
    assert {one.kind for one in Incident.objects.open()} == {KIND, other}


def test_a_listener_that_fails_leaves_no_incident_untold(instance, finding, clock):
    def deaf(incident, transition):
        raise RuntimeError("nobody is told")

    with pytest.raises(RuntimeError):
        detect(deaf, rules={KIND: lambda snapshot: [finding]})
    assert not Incident.objects.exists()


@pytest.mark.parametrize("place", ["", "door-1"])
def test_the_database_holds_that_there_is_one(instance, clock, place):
    subject = {"instance": None if place else instance, "place": place}
    times = {"opened_at": clock.now, "last_seen_at": clock.now}
    Incident.objects.create(kind=KIND, **subject, **times)
    with pytest.raises(IntegrityError):
        Incident.objects.create(kind=KIND, **subject, **times)


def test_the_queries_do_not_grow_with_the_instances(instance, told, django_assert_num_queries):
    from messages.models import Instance  # noqa: PLC0415

    for number in range(20):
        Instance.objects.create(account=instance.account, name=str(number), zapi_id=str(number))
    with django_assert_num_queries(18):
        detect(Told())


def test_log_names_what_is_wrong_with_which_instance(world, finding, caplog):
    world.found.append(finding)
    world()
    pk = Incident.objects.get().pk
    assert f"Incident {pk} opened: failing Atendimento" in caplog.text
