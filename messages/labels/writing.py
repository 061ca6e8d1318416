"""Writes labels."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.accounts.scope import Viewer, limited_to
from messages.models import Instance, Label
from messages.privacy import erased_among

from .label_entries import Entry, Fault


class LabelsRefusedError(Exception):
    """Nothing was written because of `faults`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


def label(entries: Sequence[Entry], *, by: Viewer, announces: bool) -> int:
    """Write all labels, replacing existing ones, or none; returns the number written.

    With `announces`, an alarm is raised for each newly labelled message that Z-API does not
    report in time.

    Raises LabelsRefusedError for an instance that `by` may not see. Labels of erased messages are
    skipped. Otherwise a system that sends all labels every night would restore erased data.
    """
    instances = _instances(entries, by)
    faults = [
        Fault(position, "zapi_instance_id", _("Instance not found."))
        for position, entry in enumerate(entries)
        if entry.zapi_instance_id not in instances
    ]
    if faults:
        raise LabelsRefusedError(faults)
    now = timezone.now()
    # Sorted, so that two transactions with the same messages do not deadlock.
    labels = [
        Label(
            instance_id=instances[entry.zapi_instance_id],
            zapi_id=entry.message_id,
            zaap_id=entry.zaap_id,
            reference=entry.reference,
            label=entry.label,
            updated_at=now,
            awaited_since=now if announces else None,
        )
        for entry in sorted(entries, key=lambda entry: entry.message)
    ]
    erased = erased_among(pair for one in labels for pair in _names(one))
    labels = [one for one in labels if erased.isdisjoint(_names(one))]
    with transaction.atomic():  # bulk_create() may need several statements
        Label.objects.bulk_create(
            labels,
            update_conflicts=True,
            unique_fields=["instance", "zapi_id"],
            # Without `awaited_since`: a label announces its message once.
            update_fields=[
                *("zaap_id", "reference", "label", "label_folded", "label_masked", "updated_at")
            ],
        )
    return len(labels)


def remove_label(instance: Instance, message_id: str) -> bool:
    """Remove the label under either id; False if there was none."""
    return bool(Label.objects.filter(instance=instance).named([message_id]).delete()[0])


def _names(label: Label) -> list[tuple[int, str]]:
    return [(label.instance_id, one) for one in label.ids]


def _instances(entries: Sequence[Entry], by: Viewer) -> dict[str, int]:
    zapi_ids = {entry.zapi_instance_id for entry in entries}
    found = limited_to(by, Instance.objects.active(), path="").filter(zapi_id__in=zapi_ids)
    return dict(found.values_list("zapi_id", "pk"))
