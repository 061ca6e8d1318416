"""The rows of the key list."""

from dataclasses import dataclass

from django.db.models import F, Prefetch
from django.utils import timezone
from django.utils.translation import pgettext

from messages.dashboard.shared.moments import Moment, moment
from messages.models import ApiKey, ApiKeyLimit


@dataclass(frozen=True, slots=True)
class KeyRow:
    key: ApiKey

    @property
    def scopes(self) -> str:
        reads, labels = pgettext("API key", "reads"), pgettext("API key", "labels")
        scopes = [(self.key.may_read, reads), (self.key.may_label, labels)]
        return ", ".join(words for is_given, words in scopes if is_given)

    @property
    def limits(self) -> list[str]:
        return [str(limit.account or limit.instance) for limit in self.key.limits.all()]

    @property
    def is_usable(self) -> bool:
        return self.key.is_usable(timezone.now())

    @property
    def last_used(self) -> Moment | None:
        return moment(self.key.last_used_at)

    @property
    def expires(self) -> Moment | None:
        return moment(self.key.expires_at)

    @property
    def revoked(self) -> Moment | None:
        return moment(self.key.revoked_at)


def rows() -> list[KeyRow]:
    """Active keys first, in two queries."""
    limits = Prefetch("limits", ApiKeyLimit.objects.select_related("account", "instance"))
    keys = ApiKey.objects.select_related("created_by").prefetch_related(limits)
    return [KeyRow(key) for key in keys.order_by(F("revoked_at").desc(nulls_first=True), "name")]
