"""Processing of batches by the worker."""

from datetime import timedelta

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone

from messages.instances import bulk_jobs, call_budget
from messages.instances.bulk_import import ImportRow, preview
from messages.instances.bulk_jobs import (
    LEASE,
    MAX_DURATION,
    cancel,
    progress_of,
    run_batch,
    run_batches,
    start,
    start_for,
)
from messages.instances.push import push_wanted
from messages.models import Account, Action, AuditEvent, Batch, BatchKind, Instance, RowState


def test_row_that_raises_an_error_fails_and_others_are_done(instance, zapi, monkeypatch):
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    asked = []

    def stumble(one):
        if one == instance:
            raise ValueError
        asked.append(one)

    monkeypatch.setattr(bulk_jobs, "check", stumble)
    batch = start_for([instance, other], BatchKind.VERIFY)
    assert run_batches() == 2
    assert asked == [other]
    assert (progress_of(batch).failed, progress_of(batch).done) == (1, 1)


def test_row_with_values_refused_by_the_database_fails(instance, zapi, monkeypatch):
    def refuse(one):
        raise DataError

    monkeypatch.setattr(bulk_jobs, "check", refuse)
    batch = start_for([instance], BatchKind.VERIFY)
    assert run_batches() == 1
    assert progress_of(batch).failed == 1


def test_unavailable_database_fails_no_row(instance, zapi, monkeypatch):
    def be_away(one):
        raise OperationalError("connection refused")

    monkeypatch.setattr(bulk_jobs, "check", be_away)
    batch = start_for([instance], BatchKind.VERIFY)
    with pytest.raises(OperationalError):
        run_batches()
    assert progress_of(batch).waiting == 1


@pytest.fixture
def small_budget(monkeypatch):
    monkeypatch.setattr(call_budget, "INSTANCES_PER_PERIOD", 2)


def several(account: Account, number: int) -> list[Instance]:
    return [
        Instance.objects.create(account=account, name=f"N{one}", zapi_id=f"Z{one}", token="t")
        for one in range(number)
    ]


@pytest.mark.usefixtures("zapi", "small_budget")
def test_batch_respects_the_call_budget_of_an_account(account):
    other = Account.objects.create(name="Other")
    alone = Instance.objects.create(account=other, name="A", zapi_id="A", token="t")
    batch = start_for([*several(account, 3), alone], BatchKind.VERIFY)
    assert run_batches() == 3
    assert progress_of(batch).waiting == 1
    assert batch.rows.get(instance=alone).state != RowState.WAITING
    Account.objects.update(next_turn_at=timezone.now())
    assert run_batches() == 1


@pytest.mark.usefixtures("zapi", "small_budget")
def test_row_waits_while_its_account_is_leased(account):
    start_for(several(account, 1), BatchKind.VERIFY)
    Account.objects.update(next_turn_at=timezone.now() + LEASE)
    assert run_batches() == 0


def test_import_with_push_respects_the_call_budget(db, zapi, small_budget):
    rows = [
        ImportRow(name=f"N{one}", zapi_id=f"Z{one}", token="t", client_token="c") for one in "abc"
    ]
    batch = preview(rows, visible=[])
    start(batch, pushes=True)
    run_batches()
    assert Instance.objects.count() == 3
    assert (progress_of(batch).done, progress_of(batch).waiting) == (2, 1)
    Account.objects.update(next_turn_at=timezone.now())
    batch.rows.update(next_try_at=timezone.now())
    run_batches()
    assert progress_of(batch).done == 3
    assert AuditEvent.objects.filter(action=Action.INSTANCE_ADDED).count() == 3


def test_row_after_a_too_many_calls_response_waits(instance, zapi):
    push_wanted(instance)
    zapi.answer_name = "too-many"
    batch = start_for([instance], BatchKind.VERIFY)
    run_batches()
    assert (progress_of(batch).waiting, progress_of(batch).failed) == (1, 0)
    zapi.answer_name = "ok"
    Account.objects.update(next_turn_at=timezone.now())
    batch.rows.update(next_try_at=timezone.now())
    run_batches()
    assert progress_of(batch).done == 1


def test_row_that_waits_too_long_fails(instance, zapi):
    zapi.answer_name = "too-many"
    batch = start_for([instance], BatchKind.VERIFY)
    Batch.objects.update(started_at=timezone.now() - MAX_DURATION)
    run_batches()
    assert progress_of(batch).failed == 1


@pytest.mark.usefixtures("zapi")
def test_command_waits_for_the_call_budget(account, monkeypatch):
    monkeypatch.setattr(call_budget, "INSTANCES_PER_PERIOD", 1)
    monkeypatch.setattr(call_budget, "PERIOD", timedelta(seconds=0.1))
    batch = start_for(several(account, 3), BatchKind.VERIFY)
    assert len(list(run_batch(batch))) == 3


def test_stopped_batch_deletes_its_tokens(db):
    batch = preview([ImportRow(name="N", zapi_id="Z", token="t")], visible=[])
    start(batch, pushes=False)
    assert cancel(batch) == 1
    assert not batch.rows.get().token
    assert run_batches() == 0
    assert not Instance.objects.exists()
