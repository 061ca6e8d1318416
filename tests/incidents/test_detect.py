"""Opening, merging and resolving incidents."""

import pytest
from django.db import IntegrityError

from messages.incidents.detect import detect
from messages.incidents.findings import Finding
from messages.models import Incident, IncidentKind
from tests.plugins.incidents import RecordingListener

KIND = IncidentKind.FAILING


class Detection:
    def __init__(self, listener: RecordingListener) -> None:
        self.found: list[Finding] = []
        self._listener = listener

    def __call__(self) -> int:
        return detect(self._listener, rules={KIND: lambda snapshot: self.found})


@pytest.fixture
def detection(listener, clock):
    """Findings set by the test."""
    return Detection(listener)


@pytest.fixture
def finding(instance):
    return Finding(KIND, instance, values={"failed": 5, "sent": 9})


def test_finding_opens_one_incident_and_updates_it(detection, finding, instance, listener, clock):
    detection.found.append(finding)
    detection()
    clock.advance(minutes=1)
    detection.found[:] = [Finding(KIND, instance, values={"failed": 8, "sent": 9})]
    detection()
    incident = Incident.objects.get()
    assert listener == [("failing", "opened")]
    assert (incident.values["failed"], incident.last_seen_at) == (8, clock.now)


def test_incident_absent_for_five_minutes_is_resolved(detection, finding, listener, clock):
    detection.found.append(finding)
    detection()
    detection.found.clear()
    detection()
    gone = clock.now
    clock.advance(minutes=4)
    detection()
    assert Incident.objects.open().exists()
    clock.advance(minutes=2)
    detection()
    assert Incident.objects.get().resolved_at == gone
    assert listener == [("failing", "opened"), ("failing", "resolved")]


def test_finding_that_comes_and_goes_stays_one_incident(detection, finding, listener, clock):
    for _ in range(5):
        detection.found[:] = [finding]
        detection()
        clock.advance(minutes=3)
        detection.found.clear()
        detection()
        clock.advance(minutes=3)
    assert listener == [("failing", "opened")]


def test_finding_after_resolution_opens_another_incident(detection, finding, listener, clock):
    for _ in range(2):
        detection.found[:] = [finding]
        detection()
        detection.found.clear()
        detection()
        clock.advance(minutes=6)
        detection()
    assert Incident.objects.resolved().count() == 2


def test_failing_rule_resolves_nothing_and_other_rules_run(instance, listener, clock):
    def broken(snapshot):
        raise RuntimeError("out of order")

    other = IncidentKind.EXPIRING
    Incident.objects.create(
        kind=KIND, instance=instance, opened_at=clock.now, last_seen_at=clock.now
    )
    for _ in range(2):
        detect(listener, rules={KIND: broken, other: lambda snapshot: [Finding(other, instance)]})
        clock.advance(minutes=6)
    assert {one.kind for one in Incident.objects.open()} == {KIND, other}


def test_failing_listener_leaves_no_incident_open(instance, finding, clock):
    def deaf(incident, transition):
        raise RuntimeError("nobody is told")

    with pytest.raises(RuntimeError):
        detect(deaf, rules={KIND: lambda snapshot: [finding]})
    assert not Incident.objects.exists()


@pytest.mark.parametrize("place", ["", "door-1"])
def test_database_allows_one_open_incident_per_subject(instance, clock, place):
    subject = {"instance": None if place else instance, "place": place}
    times = {"opened_at": clock.now, "last_seen_at": clock.now}
    Incident.objects.create(kind=KIND, **subject, **times)
    with pytest.raises(IntegrityError):
        Incident.objects.create(kind=KIND, **subject, **times)


def test_detection_query_count_does_not_depend_on_instances(
    instance, listener, django_assert_num_queries
):
    from messages.models import Instance  # noqa: PLC0415

    for number in range(20):
        Instance.objects.create(account=instance.account, name=str(number), zapi_id=str(number))
    with django_assert_num_queries(21):
        detect(RecordingListener())


def test_log_names_kind_and_instance(detection, finding, caplog):
    detection.found.append(finding)
    detection()
    pk = Incident.objects.get().pk
    assert f"Incident {pk} opened: failing Atendimento" in caplog.text
