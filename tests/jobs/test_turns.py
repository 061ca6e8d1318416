"""Who does a job that one worker is enough for, and what a wrong clock does to it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.jobs.leases import acquire_job_lease
from messages.models import Turn

EVERY = 30.0


@pytest.mark.django_db
def test_job_is_one_workers_until_it_is_due_again():
    assert [acquire_job_lease("detect", EVERY), acquire_job_lease("detect", EVERY)] == [True, False]


@pytest.mark.django_db
def test_job_that_is_due_is_taken_once():
    Turn.objects.create(job="detect", due_at=timezone.now() - timedelta(seconds=1))
    assert [acquire_job_lease("detect", EVERY), acquire_job_lease("detect", EVERY)] == [True, False]


@pytest.mark.django_db
@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=4000)])
def test_job_put_off_by_a_wrong_clock_is_taken_once(ahead):
    Turn.objects.create(job="detect", due_at=timezone.now() + ahead)
    assert [acquire_job_lease("detect", EVERY), acquire_job_lease("detect", EVERY)] == [True, False]


@pytest.mark.django_db
def test_job_taken_by_a_clock_slightly_ahead_is_left_to_it():
    Turn.objects.create(job="detect", due_at=timezone.now() + timedelta(seconds=EVERY + 5))
    assert not acquire_job_lease("detect", EVERY)
