import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from allauth.account.adapter import get_adapter
from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    default_token_generator,
)
from allauth.account.forms import (
    ReauthenticateForm as PasswordReauthenticateForm,
)
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .password_resets import request_password_reset
from .passwords import begin_code, is_first_use, is_own_password

# The session key for the user name of a person who just accepted an invitation.
NAME_TO_SIGN_IN: Final = "name_to_sign_in"


class _OurLabels:
    """An allauth form with our labels, and without placeholders that repeat them."""

    labels: ClassVar[Mapping[str, Promise]]
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.labels.items():
            self.fields[name].label = label
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SignInForm(_OurLabels, LoginForm):  # type: ignore[misc]  # allauth ships no types
    labels: ClassVar = {"login": _("User name or e-mail"), "remember": _("Keep me signed in")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if name := context.request.session.get(NAME_TO_SIGN_IN):
            self.fields["login"].initial = name
            self.fields["login"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True


class ForgottenPasswordForm(_OurLabels, ResetPasswordForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {"email": _("E-mail")}

    def clean_email(self) -> str:
        """Do not look the address up: the answer must not show whether it has an account."""
        return str(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        request_password_reset(self.cleaned_data["email"])
        return str(self.cleaned_data["email"])


class ChangedPasswordForm(_OurLabels, ChangePasswordForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("Repeat new password"),
    }

    def clean_oldpassword(self) -> str:
        password: str = self.cleaned_data["oldpassword"]
        if not is_own_password(context.request, self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class PasswordAgainForm(_OurLabels, PasswordReauthenticateForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {"password": _("Password")}


class ChosenPasswordForm(_OurLabels, ResetPasswordKeyForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {"password1": _("New password"), "password2": _("Repeat new password")}

    def save(self) -> None:
        """Save under a lock: the link works once, even if opened twice at the same time."""
        with transaction.atomic():
            current = User.objects.select_for_update().get(pk=self.user.pk)
            if not default_token_generator.check_token(current, self.temp_key):
                # Back to the page, which now says that the link is not valid.
                raise ImmediateHttpResponse(redirect(context.request.path))
            super().save()


class _LimitedCode:
    """Limits attempts at codes. allauth counts only by user, and a success resets its count."""

    user: Any

    def clean_code(self) -> str:
        attempt = begin_code(context.request, self.user)
        code: str = super().clean_code()  # type: ignore[misc]  # in the other base class
        if not is_first_use(self.user, code):
            raise get_mfa_adapter().validation_error("incorrect_code")
        attempt.succeeded()
        return code


class CodeForm(_LimitedCode, AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    pass


class CodeAgainForm(_LimitedCode, ReauthenticateForm):  # type: ignore[misc]  # as above
    pass


class _StrictDecoder(json.JSONDecoder):
    """Refuses huge numbers, deep nesting and text that cannot be stored.

    Django's field only handles JSONDecodeError. The form shows the value again, so it must be text
    that can be encoded.
    """

    def decode(self, s: str, *args: Any) -> Any:
        try:
            value = super().decode(s, *args)
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
            text.encode()  # fails for a lone surrogate
            is_sound = "\\u0000" not in text
        except (ValueError, RecursionError):
            is_sound = False
        if not is_sound:
            raise json.JSONDecodeError("This cannot be read", "", 0)
        return value


class _PasskeyAnswer:
    """Refuses invalid passkey answers, some of which make allauth raise other errors."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"].decoder = _StrictDecoder

    @contextmanager
    def _refusing_invalid(self) -> Iterator[None]:
        try:
            yield
        except _UNREADABLE:
            raise get_mfa_adapter().validation_error("incorrect_code") from None


_UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError),
    *(struct.error, InvalidSignature, UnsupportedAlgorithm),
)


class _AuthenticatesByPasskey(_PasskeyAnswer):
    def clean_credential(self) -> Any:
        with self._refusing_invalid():
            return super().clean_credential()  # type: ignore[misc]  # in the other base class


class PasskeyForm(_AuthenticatesByPasskey, AuthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class PasskeyAgainForm(_AuthenticatesByPasskey, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class PasskeySignInForm(_AuthenticatesByPasskey, LoginWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class AddPasskeyForm(_PasskeyAnswer, AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """Adds a passkey that can sign in without a password by default."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
        alone = self.fields["passwordless"]
        alone.initial = True
        alone.label = _("Sign in without a password")
        alone.help_text = _("You will confirm with fingerprint, face or PIN.")

    def clean(self) -> Any:
        with self._refusing_invalid():
            return super().clean()


class RenamePasskeyForm(_OurLabels, EditWebAuthnForm):  # type: ignore[misc]  # as above
    labels: ClassVar = {"name": _("Name")}
