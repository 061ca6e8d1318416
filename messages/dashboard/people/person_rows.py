"""Rows of the list of people. It needs three queries for any number of rows."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.accounts.roles import PERMISSIONS
from messages.accounts.second_factors import factors
from messages.dashboard.shared.moments import Moment, moment
from messages.models import UserLimit

# The database has the English name of the group.
ROLE_NAMES: dict[str, Promise] = {
    "Support": gettext_lazy("Support"),
    "Supervisor": gettext_lazy("Supervisor"),
    "Admin": gettext_lazy("Admin"),
}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A row; `user` must come from `people()`."""

    user: User

    @property
    def role(self) -> str:
        if self.user.is_superuser:
            return _("Superuser")
        names = [str(ROLE_NAMES[name]) for name in PERMISSIONS if name in self._groups]
        return names[-1] if names else _("No role")

    @property
    def limits(self) -> list[str]:
        return [str(limit.account or limit.instance) for limit in self.user.limits.all()]

    @property
    def has_factor(self) -> bool:
        return bool(getattr(self.user, "has_factor", False))

    @property
    def is_invited(self) -> bool:
        return not self.user.has_usable_password()

    @property
    def last_sign_in(self) -> Moment | None:
        return moment(self.user.last_login)

    @property
    def _groups(self) -> set[str]:
        return {group.name for group in self.user.groups.all()}


def people() -> QuerySet[User]:
    limits = UserLimit.objects.select_related("account", "instance")
    return (
        User.objects.annotate(has_factor=Exists(factors().filter(user=OuterRef("pk"))))
        .prefetch_related("groups", Prefetch("limits", limits))
        .order_by("-is_active", "username")
    )
