"""Invitation links and the page where an invited person chooses a password."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from messages.accounts import account_notices
from messages.accounts.audit import audit
from messages.accounts.forms import NAME_TO_SIGN_IN
from messages.accounts.known_devices import remember_device
from messages.accounts.people import invitation_tokens
from messages.domain.problems import Problem
from messages.mail import why_mail_is_off
from messages.models import Action
from statusboard.absolute_urls import absolute_url


@dataclass(frozen=True, slots=True)
class Invitation:
    """`why_not_sent` is set if there is an address but no mail server."""

    link: str
    days: int
    why_not_sent: Problem | None


def deliver_invitation(user: User) -> Invitation:
    parts = {
        "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": invitation_tokens.make_token(user),
    }
    link = absolute_url(reverse("dashboard:invitation", kwargs=parts))
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    if user.email:
        context = {"person": user, "link": link, "days": days}
        words = render_to_string("dashboard/people/invitation_email.txt", context)
        send_mail(_("Your account on Statusboard"), words, None, [user.email])
    return Invitation(link, days, why_mail_is_off() if user.email else None)


class FirstPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # only generic in its stubs
    """Shows password errors below the first field."""

    def validate_password_for_user(
        self,
        user: User,
        password_field_name: str = "new_password1",  # noqa: S107  (a name)
    ) -> None:
        super().validate_password_for_user(user, "new_password1")


class InvitationView(PasswordResetConfirmView):
    """Django's password reset page, which removes the token from the URL."""

    token_generator = invitation_tokens
    template_name = "dashboard/people/accept.html"
    success_url = reverse_lazy("account_login")
    form_class = FirstPasswordForm
    reset_url_token = "choose-password"  # noqa: S105  (what stands in the address instead)

    def form_valid(self, form: Any) -> HttpResponse:
        user: User = form.user
        with transaction.atomic():
            # The link works once, even if opened twice at the same time.
            current = User.objects.select_for_update().get(pk=user.pk)
            token = self.request.session.get(INTERNAL_RESET_SESSION_TOKEN)
            if not invitation_tokens.check_token(current, token):
                return redirect(self.request.path)
            answer = super().form_valid(form)
            details = {"user": user.get_username(), "password": "new", "invitation": "accepted"}
            audit(self.request, Action.USER_CHANGED, details=details)
        remember_device(self.request, user, signed_in=False)
        self.request.session[NAME_TO_SIGN_IN] = user.get_username()
        flash.success(self.request, _("Password saved. You can sign in now."))
        if user.last_login:  # the person has signed in before, so this replaces a password
            account_notices.notify(user, account_notices.PASSWORD_CHANGED, self.request)
        return answer


invitation = InvitationView.as_view()
