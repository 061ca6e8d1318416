"""Leases of shared jobs, also with a wrong clock."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from messages.models import Account, JobLease

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


@pytest.mark.django_db
def test_claimed_row_that_is_leased_is_not_claimed_again(account):
    due = Account.objects.filter(next_turn_at__lte=timezone.now())
    with due.claim() as claimed:
        Account.objects.update(next_turn_at=timezone.now() + EVERY)
    with due.claim() as again:
        pass
    assert (claimed, again) == ([account], [])


@pytest.mark.django_db
def test_claim_of_a_block_that_fails_changes_nothing(account):
    with suppress(ValueError), Account.objects.all().claim():
        Account.objects.update(name="Other")
        raise ValueError
    assert Account.objects.get().name == account.name
