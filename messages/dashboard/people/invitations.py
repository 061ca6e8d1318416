"""The link by which an invited person comes in, and the page that it opens."""

import logging
from dataclasses import dataclass
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from messages.access.people import invitation_tokens
from messages.audit import Action, audit

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Invitation:
    """`was_sent` is None where there is no address to send it to."""

    link: str
    days: int
    was_sent: bool | None


def deliver_invitation(request: HttpRequest, user: User) -> Invitation:
    parts = {
        "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": invitation_tokens.make_token(user),
    }
    path = reverse("dashboard:invitation", kwargs=parts)
    # The address that the board goes by, and not the one that a header of the request claims.
    link = settings.PUBLIC_BASE_URL + path if settings.PUBLIC_BASE_URL else ""
    link = link or request.build_absolute_uri(path)
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    was_sent = _send(user, link, days) if user.email else None
    return Invitation(link, days, was_sent)


def _send(user: User, link: str, days: int) -> bool:
    context = {"person": user, "link": link, "days": days}
    words = render_to_string("dashboard/people/invitation_email.txt", context)
    try:
        send_mail(_("Your account on Statusboard"), words, None, [user.email])
    except (SMTPException, OSError) as error:
        # Its words could hold the address of the server, but no link.
        logger.warning("An invitation could not be sent: %s", type(error).__name__)
        return False
    return True


class InvitationView(PasswordResetConfirmView):
    """Django's page behind a reset link: it takes the token out of the address first."""

    token_generator = invitation_tokens
    template_name = "dashboard/people/accept.html"
    success_url = reverse_lazy("account_login")
    reset_url_token = "choose-password"  # noqa: S105  (what stands in the address instead)

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        details = {"user": form.user.get_username(), "password": "new", "invitation": "accepted"}
        audit(self.request, Action.USER_CHANGED, details=details)
        return answer


invitation = InvitationView.as_view()
