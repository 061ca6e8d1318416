"""The names of the details that people read most often. The export keeps the stored names."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

NAMES: Final[Mapping[str, Promise]] = {
    "account": _("account"),
    "accounts": _("accounts"),
    "acknowledged": _("working on it"),
    "active": pgettext_lazy("account", "active"),
    "added": pgettext_lazy("account", "added"),
    "after": _("new values"),
    "again": _("sent again"),
    "archived": pgettext_lazy("instance", "archived"),
    "before": _("previous values"),
    "bodies": _("raw callback bodies"),
    "browser": _("browser"),
    "by": _("signed in with"),
    "callbacks": _("callbacks"),
    "changed": _("changed fields"),
    "channel": _("channel"),
    "count": _("number"),
    "deleted": pgettext_lazy("account", "deleted"),
    "elsewhere": _("ended sessions"),
    "fields": _("changed fields"),
    "filters": _("filters"),
    "format": _("format"),
    "host": _("server"),
    "instance": _("instance"),
    "instances": _("instances"),
    "kind": _("kind"),
    "limits": _("accounts and instances it is limited to"),
    "messages": _("messages"),
    "name": _("name"),
    "password": _("password"),
    "permissions": _("permissions"),
    "reason": _("reason"),
    "role": _("role"),
    "roles": _("roles"),
    "rows": _("rows"),
    "staff": _("may open Django admin"),
    "state": _("state"),
    "superuser": _("superuser"),
    "user": _("person"),
}
