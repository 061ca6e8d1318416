"""Batches as the worker works them off."""

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
