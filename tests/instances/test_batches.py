"""Batches as the worker works them off."""

import pytest
from django.db import DataError, OperationalError

from messages.instances import batches
from messages.instances.batches import progress_of, start_for, work_batches
from messages.models import BatchKind, Instance


def test_a_row_that_we_stumble_over_ends_failed_and_the_others_are_done(
    instance, zapi, monkeypatch
):
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    asked = []

    def stumble(one):
        if one == instance:
            raise ValueError
        asked.append(one)

    monkeypatch.setattr(batches, "check", stumble)
    batch = start_for([instance, other], BatchKind.VERIFY)
    assert work_batches() == 2
    assert asked == [other]
    assert (progress_of(batch).failed, progress_of(batch).done) == (1, 1)


def test_a_row_whose_values_the_database_refuses_ends_failed(instance, zapi, monkeypatch):
    def refuse(one):
        raise DataError

    monkeypatch.setattr(batches, "check", refuse)
    batch = start_for([instance], BatchKind.VERIFY)
    assert work_batches() == 1
    assert progress_of(batch).failed == 1


def test_a_database_that_is_away_fails_no_row(instance, zapi, monkeypatch):
    def be_away(one):
        raise OperationalError("connection refused")

    monkeypatch.setattr(batches, "check", be_away)
    batch = start_for([instance], BatchKind.VERIFY)
    with pytest.raises(OperationalError):
        work_batches()
    assert progress_of(batch).waiting == 1
