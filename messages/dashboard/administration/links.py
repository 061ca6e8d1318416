"""The pages for administrators, and who may open each."""

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messages.accounts.people import MANAGE
from messages.accounts.scope import is_limited


@dataclass(frozen=True, slots=True)
class Link:
    """A page with one sentence about it. Without a permission it is for staff only."""

    page: str
    label: Promise
    words: Promise
    permission: str = ""
    # As the decorator `unlimited_only` of the view.
    is_unlimited_only: bool = False

    @property
    def url(self) -> str:
        return reverse(self.page)

    def opens_for(self, user: User | AnonymousUser) -> bool:
        allowed = user.has_perm(self.permission) if self.permission else user.is_staff
        return allowed and not (self.is_unlimited_only and is_limited(user))


LINKS: Final = (
    Link(
        "dashboard:people",
        _("People"),
        _("Invite people, choose what each may see and do, and deactivate accounts."),
        MANAGE,
        is_unlimited_only=True,
    ),
    Link(
        "dashboard:api-keys",
        _("API keys"),
        _("Let other software, such as a CRM, read message statuses and add labels."),
        "whatsapp.view_apikey",
        is_unlimited_only=True,
    ),
    Link(
        "dashboard:channels",
        _("Channels"),
        _("Choose where alerts go: e-mail, Slack or a webhook."),
        "whatsapp.view_channel",
        is_unlimited_only=True,
    ),
    Link(
        "dashboard:retention",
        _("Retention"),
        _("Choose how long each kind of data is kept."),
        "whatsapp.change_retention",
        is_unlimited_only=True,
    ),
    Link(
        "dashboard:privacy",
        _("A person’s data"),
        _("Find, export or erase everything stored about one person, and see all holds."),
        "whatsapp.add_erasure",
        is_unlimited_only=True,
    ),
    Link(
        "dashboard:audit",
        _("Audit log"),
        _("See who did what and when."),
        "whatsapp.view_auditevent",
    ),
    Link(
        "admin:index",
        _("Records"),
        _("All stored records, mostly read-only (Django admin)."),
    ),
)


def links_for(user: User | AnonymousUser) -> list[Link]:
    return [link for link in LINKS if link.opens_for(user)]


def may_administer(user: User | AnonymousUser) -> bool:
    """Whether the person may open at least one of the pages."""
    # Every page asks this. Most people get the answer from links that need no query for limits.
    links = sorted(LINKS, key=lambda link: link.is_unlimited_only)
    return any(link.opens_for(user) for link in links)
