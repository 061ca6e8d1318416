from collections.abc import Mapping
from typing import Any, ClassVar

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
)
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class _InOurWords:
    """One of allauth's own forms, labelled as the board speaks; a placeholder would say it twice.

    allauth's catalogue is not the board's: it writes "Email" and "New Password".
    """

    labels: ClassVar[Mapping[str, Promise]]
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.labels.items():
            self.fields[name].label = label
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SignInForm(_InOurWords, LoginForm):  # type: ignore[misc]  # allauth ships no types
    labels: ClassVar = {"login": _("User name or e-mail"), "remember": _("Keep me signed in")}


class ForgottenPasswordForm(_InOurWords, ResetPasswordForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {"email": _("E-mail")}


class ChangedPasswordForm(_InOurWords, ChangePasswordForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("New password, again"),
    }


class ChosenPasswordForm(_InOurWords, ResetPasswordKeyForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {"password1": _("New password"), "password2": _("New password, again")}


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """allauth's own; a passkey that signs in by itself unless somebody says otherwise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        alone = self.fields["passwordless"]
        alone.initial = True
        alone.label = _("Sign in with it alone, without a password")
        alone.help_text = _("It then has to ask for your fingerprint, face or PIN each time.")
