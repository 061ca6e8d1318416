"""E-mails to a person about changes of their account.

They show the owner what somebody with a stolen session or mailbox has changed.
"""

from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from statusboard.absolute_urls import absolute_url
from statusboard.client_ips import client_ip

from .browser_names import browser_name

PASSWORD_CHANGED: Final = gettext_lazy("Your password was changed.")
EMAIL_CHANGED: Final = gettext_lazy("The e-mail address of your account was changed.")
FACTOR_ADDED: Final = gettext_lazy("A second factor was added to your account.")
FACTOR_REMOVED: Final = gettext_lazy("A second factor was removed from your account.")
CODES_CREATED: Final = gettext_lazy("Your account has new recovery codes.")
CODES_REMOVED: Final = gettext_lazy("The recovery codes of your account were removed.")
TWO_FACTOR_RESET: Final = gettext_lazy("All second factors were removed from your account.")
API_KEY_CREATED: Final = gettext_lazy("Your account created an API key.")
ACCESS_CHANGED: Final = gettext_lazy("Your role or access was changed.")
DEACTIVATED: Final = gettext_lazy("Your account was deactivated.")
REACTIVATED: Final = gettext_lazy("Your account was reactivated.")


def notify(
    user: User, what: Promise, request: HttpRequest | None, *, also: Iterable[str] = ()
) -> None:
    """Send the notice to the account's address and to `also`, e.g. the previous address.

    It is in the default language, because the person's language is not known.
    """
    person = request.user.get_username() if request and request.user.is_authenticated else ""
    address = client_ip(request.META) if request else None
    context: dict[str, Any] = {
        "name": user.get_username(),
        "what": what,
        "at": f"{timezone.localtime(timezone=timezone.get_default_timezone()):%Y-%m-%d %H:%M %Z}",
        "by": person if person != user.get_username() else "",
        "address": str(address or ""),
        "reset_url": absolute_url(reverse("account_reset_password")),
    }
    with translation.override(settings.LANGUAGE_CODE):
        if request:
            context["browser"] = browser_name(request.headers.get("User-Agent", ""))
        words = render_to_string("account/notice.txt", context)
        for receiver in {user.email, *also} - {""}:
            send_mail(_("Your account on Statusboard was changed"), words, None, [receiver])
