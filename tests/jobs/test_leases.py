"""Leases of shared jobs, also with a wrong clock."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.models import JobLease

EVERY = timedelta(seconds=30)


@pytest.mark.django_db
def test_job_lease_is_exclusive_until_due():
    assert [
        JobLease.objects.acquire("detect", EVERY),
        JobLease.objects.acquire("detect", EVERY),
    ] == [True, False]


@pytest.mark.django_db
def test_due_job_is_leased_once():
    JobLease.objects.create(job="detect", due_at=timezone.now() - timedelta(seconds=1))
    assert [
        JobLease.objects.acquire("detect", EVERY),
        JobLease.objects.acquire("detect", EVERY),
    ] == [True, False]


@pytest.mark.django_db
@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=4000)])
def test_job_postponed_by_a_wrong_clock_is_leased_once(ahead):
    JobLease.objects.create(job="detect", due_at=timezone.now() + ahead)
    assert [
        JobLease.objects.acquire("detect", EVERY),
        JobLease.objects.acquire("detect", EVERY),
    ] == [True, False]


@pytest.mark.django_db
def test_lease_by_a_clock_slightly_ahead_is_respected():
    JobLease.objects.create(job="detect", due_at=timezone.now() + EVERY + timedelta(seconds=5))
    assert not JobLease.objects.acquire("detect", EVERY)
