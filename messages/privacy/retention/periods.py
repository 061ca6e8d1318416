from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.accounts.audit import audit
from messages.models import Action, DataKind, Retention

# The summaries of the last 35 days are recomputed every night, so messages must be kept longer than
# that. A database trigger prevents the deletion of recent audit events, so that nobody can empty
# the audit log.
MIN_DAYS: Final = {
    DataKind.MESSAGES: 40,
    DataKind.CALLBACKS: 7,
    DataKind.BODIES: 7,
    DataKind.INCIDENTS: 30,
    DataKind.AUDIT: 180,
    DataKind.ERASURES: 90,
}
SUGGESTED_DAYS: Final = {
    DataKind.MESSAGES: 730,
    DataKind.CALLBACKS: 180,
    DataKind.BODIES: 90,
    DataKind.INCIDENTS: 365,
    DataKind.AUDIT: 730,
    DataKind.ERASURES: 365,
}


def period_errors(days: Mapping[DataKind, int | None]) -> dict[DataKind, str]:
    """The errors in these periods, by kind. None means that a kind is kept forever."""
    found = {}
    for kind, number in days.items():
        if number is not None and number < MIN_DAYS[kind]:
            found[kind] = _("The minimum is %(days)d days.") % {"days": MIN_DAYS[kind]}
    messages, bodies = days.get(DataKind.MESSAGES), days.get(DataKind.BODIES)
    if messages is not None and (bodies is None or bodies > messages):
        found.setdefault(
            DataKind.BODIES,
            _(
                "Raw bodies cannot be kept longer than messages: deleted messages could be "
                "rebuilt from them."
            ),
        )
    return found


@transaction.atomic
def save_periods(days: Mapping[DataKind, int | None], *, by: Any) -> bool:
    """Save the periods; return whether they changed. Raises ValueError if any is invalid."""
    if found := period_errors(days):
        raise ValueError(found)
    before = dict(Retention.objects.values_list("kind", "days"))
    after = {kind.value: number for kind, number in days.items() if number is not None}
    if before == after:
        return False
    Retention.objects.exclude(kind__in=after).delete()
    for kind, number in after.items():
        Retention.objects.update_or_create(
            kind=kind, defaults={"days": number, "finished_at": None}
        )
    audit(by, Action.RETENTION_CHANGED, details={"before": before, "after": after})
    return True


def cutoff(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
