"""Adapters for allauth: no sign-up, encrypted secrets, audited failures."""

from typing import Any, ClassVar, Final
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.models import Secret, SecretUnreadableError
from statusboard.absolute_urls import absolute_url, is_path_of_site
from statusboard.client_ips import client_ip

from .passwords import is_own_password, user_by_password
from .recent_sign_in import has_signed_in_recently
from .second_factors import factors_of

_WRONG_PASSWORD: Final = gettext_lazy("Wrong user name or password.")


class _Site:
    """The site in allauth's e-mails."""

    name = "Statusboard"

    @property
    def domain(self) -> str:
        return absolute_url("")


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Accounts are created by admins; there is no sign-up."""

    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "account_inactive": gettext_lazy("This account is deactivated"),
        "email_password_mismatch": _WRONG_PASSWORD,
        "username_password_mismatch": _WRONG_PASSWORD,
        "enter_current_password": gettext_lazy("Enter your current password."),
        "incorrect_code": gettext_lazy("Wrong code."),
        "incorrect_password": gettext_lazy("Wrong password."),
        "rate_limited": gettext_lazy("Too many attempts. Try again later."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Accept only paths of this site. allauth accepts every allowed host, also over http."""
        return is_path_of_site(url)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the IP for rate limits.

        Behind a Unix socket no IP is known, so all clients share one limit.
        """
        return str(client_ip(request.META) or "0.0.0.0")  # noqa: S104  (no bind)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send as allauth does, but with PUBLIC_BASE_URL instead of the Host header."""
        named = {"email": email, "current_site": _Site(), "request": None}
        self.render_mail(template_prefix, email, named | context).send()

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return absolute_url(path.replace("UID-KEY", quote(key)))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Replace allauth's check.

        It counts attempts by the Host header, which the client chooses, and it checks some
        passwords twice.
        """
        login = credentials.get("username") or credentials.get("email") or ""
        return user_by_password(request, login, credentials["password"])

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whether allauth must ask for the password again.

        As on our own pages, it is not required shortly after a sign-in.
        """
        return not has_signed_in_recently(context.request)

    def reauthenticate(self, user: User, password: str) -> bool:
        return is_own_password(context.request, user, password)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Encrypts the secrets of second factors."""

    error_messages: ClassVar = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": gettext_lazy(
            "Two-factor sign-in is required. Add another app or passkey before you remove this one."
        ),
        "incorrect_code": gettext_lazy("Wrong code."),
    }

    def encrypt(self, text: str) -> str:
        return Secret.of(text).sealed

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return Secret(encrypted_text).reveal()
        except SecretUnreadableError:
            # Return a random secret, so that no code is valid. Anybody could compute the code of an
            # empty secret.
            return str(generate_totp_secret())

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        if not settings.TWO_FACTOR_REQUIRED:
            return True
        return factors_of(authenticator.user).exclude(pk=authenticator.pk).exists()

    def generate_authenticator_name(self, user: User, kind: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=kind).count() + 1
        return _("Passkey %(number)d") % {"number": number}
