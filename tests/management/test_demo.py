"""The data of `make demo`: each problem is there by design, and nothing else."""

import pytest
from django.db.models import Count, Q

from messages.domain.failures import FAILURES, UNKNOWN, FailureCategory
from messages.incidents.detect import detect
from messages.management.demo_data import fill
from messages.models import Incident, IncidentKind, Label, Message


@pytest.fixture
def demo(transactional_db):
    fill()


def test_demo_opens_each_problem_by_design(demo):
    detect(lambda *_: None)
    kinds = Incident.objects.open().order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == sorted(
        [
            *(IncidentKind.DISCONNECTED, IncidentKind.WEBHOOK, IncidentKind.RESTRICTED),
            *(IncidentKind.SILENT, IncidentKind.NUMBER, IncidentKind.UNCONFIRMED),
        ]
    )
    handled = Incident.objects.open().exclude(acknowledged_by=None)
    assert [str(one.acknowledged_by) for one in handled] == ["Ana"]


def test_demo_has_every_kind_of_message_and_failure(demo):
    found = Message.objects.aggregate(
        groups=Count("pk", filter=Q(is_group=True)),
        lids=Count("pk", filter=Q(several=True)),
        inbound=Count("pk", filter=Q(inbound=True)),
        played=Count("pk", filter=Q(played_at__isnull=False)),
    )
    assert all(found.values()), found
    codes = set(Message.objects.exclude(failure_code="").values_list("failure_code", flat=True))
    restricted = FailureCategory.RESTRICTED
    assert codes >= {code for code, one in FAILURES.items() if one.category is not restricted}
    assert UNKNOWN in codes
    newest = Message.objects.filter(inbound=False).order_by("-first_heard_at")[:30]
    assert Label.objects.of(newest).count() > 5
