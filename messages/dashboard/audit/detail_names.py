"""The names of the details that people read most often. The export keeps the stored names."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

NAMES: Final[Mapping[str, Promise]] = {
    "active": pgettext_lazy("account", "active"),
    "added": pgettext_lazy("account", "added"),
    "archived": pgettext_lazy("instance", "archived"),
    "browser": _("browser"),
    "by": _("signed in with"),
    "callbacks": _("callbacks"),
    "channel": _("channel"),
    "count": _("number"),
    "deleted": pgettext_lazy("account", "deleted"),
    "fields": _("changed fields"),
    "host": _("server"),
    "kind": _("kind"),
    "limits": _("limited to"),
    "messages": _("messages"),
    "name": _("name"),
    "permissions": _("permissions"),
    "role": _("role"),
    "roles": _("roles"),
    "rows": _("rows"),
    "staff": _("may open Django admin"),
    "state": _("state"),
    "superuser": _("superuser"),
    "user": _("person"),
}
