"""Leases of shared jobs, also with a wrong clock."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.jobs.leases import acquire_job_lease
from messages.models import Turn

EVERY = 30.0


@pytest.mark.django_db
def test_job_lease_is_exclusive_until_due():
    assert [acquire_job_lease("detect", EVERY), acquire_job_lease("detect", EVERY)] == [True, False]


@pytest.mark.django_db
def test_due_job_is_leased_once():
    Turn.objects.create(job="detect", due_at=timezone.now() - timedelta(seconds=1))
    assert [acquire_job_lease("detect", EVERY), acquire_job_lease("detect", EVERY)] == [True, False]


@pytest.mark.django_db
@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=4000)])
def test_job_postponed_by_a_wrong_clock_is_leased_once(ahead):
    Turn.objects.create(job="detect", due_at=timezone.now() + ahead)
    assert [acquire_job_lease("detect", EVERY), acquire_job_lease("detect", EVERY)] == [True, False]


@pytest.mark.django_db
def test_lease_by_a_clock_slightly_ahead_is_respected():
    Turn.objects.create(job="detect", due_at=timezone.now() + timedelta(seconds=EVERY + 5))
    assert not acquire_job_lease("detect", EVERY)
