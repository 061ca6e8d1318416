"""The pages of people: list, invite, change, deactivate."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages as flash
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messages.accounts import people as access
from messages.accounts.people import end_session
from messages.accounts.roles import PERMISSIONS, SUPPORT
from messages.dashboard.shared.views import unlimited_only

from .forms import AccessForm, InvitationForm
from .invitations import deliver_invitation
from .person_rows import PersonRow, people

for_managers = unlimited_only(access.MANAGE)


@for_managers
@require_safe
def person_list(request: HttpRequest) -> HttpResponse:
    context = {"rows": [PersonRow(user) for user in people()]}
    return render(request, "dashboard/people/list.html", context)


@for_managers
@require_http_methods(["GET", "HEAD", "POST"])
def person_invite(request: HttpRequest) -> HttpResponse:
    form = InvitationForm(request.POST or None)
    # Check and save under one lock: a form sent twice invites one person.
    with access.people_lock():
        user = _invited(request, form) if form.is_valid() else None
    if user:
        return _link_page(request, user)
    return render(request, "dashboard/people/invite.html", {"form": form})


def _invited(request: HttpRequest, form: InvitationForm) -> User:
    data = form.cleaned_data
    return access.invite(
        request, username=data["username"], email=data["email"], access=form.access
    )


@for_managers
@require_http_methods(["GET", "HEAD", "POST"])
def person_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(people(), pk=pk)
    may_change = access.may_change(request.user, user)
    form = AccessForm(request.POST or None, initial=_access_of(user))
    if request.method == "POST":
        _require_change(request, user)
        if user.is_superuser:
            raise PermissionDenied
        if form.is_valid() and _kept_an_admin(request, user, form):
            flash.success(request, _("Saved."))
            return redirect("dashboard:person", pk=pk)
    context = {
        "person": user,
        "row": PersonRow(user),
        "form": form if may_change and not user.is_superuser else None,
        "may_change": may_change,
        "is_self": user == request.user,
    }
    return render(request, "dashboard/people/detail.html", context)


@for_managers
@require_POST
def person_activity(request: HttpRequest, pk: int) -> HttpResponse:
    """Deactivate or reactivate an account."""
    user, active = _changeable(request, pk), request.POST.get("active") == "on"
    if user == request.user:
        flash.error(request, _("You cannot deactivate your own account. Ask another admin."))
        return redirect("dashboard:person", pk=pk)
    try:
        access.set_active(request, user, active=active)
    except access.LastAdminError:
        _refuse_last_admin(request)
    return redirect("dashboard:person", pk=pk)


@for_managers
@require_POST
def person_two_factor_reset(request: HttpRequest, pk: int) -> HttpResponse:
    access.reset_two_factor(request, _changeable(request, pk))
    flash.success(request, _("Two-factor sign-in was reset and the person was signed out."))
    return redirect("dashboard:person", pk=pk)


@for_managers
@require_POST
def person_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Create a new link to choose a password. The old password and links become invalid."""
    user = _changeable(request, pk)
    access.renew_invitation(request, user)
    return _link_page(request, user)


def _link_page(request: HttpRequest, user: User) -> HttpResponse:
    """Show the link only in this answer, on no page that can be opened again."""
    context = {"person": user, "invitation": deliver_invitation(user)}
    return render(request, "dashboard/people/link.html", context)


def _changeable(request: HttpRequest, pk: int) -> User:
    user = get_object_or_404(User, pk=pk)
    _require_change(request, user)
    return user


def _require_change(request: HttpRequest, user: User) -> None:
    if not access.may_change(request.user, user):
        raise PermissionDenied


def _kept_an_admin(request: HttpRequest, user: User, form: AccessForm) -> bool:
    try:
        access.change_access(request, user, form.access)
    except access.LastAdminError:
        form.add_error("role", _last_admin())
        return False
    return True


def _refuse_last_admin(request: HttpRequest) -> None:
    flash.error(request, _last_admin())


def _last_admin() -> str:
    return _("You cannot remove the last admin.")


def _access_of(user: User) -> dict[str, Any]:
    limits = user.limits.all()
    roles = {group.name for group in user.groups.all()}
    return {
        "role": next((name for name in reversed(PERMISSIONS) if name in roles), SUPPORT),
        "accounts": [limit.account_id for limit in limits if limit.account_id],
        "instances": [limit.instance_id for limit in limits if limit.instance_id],
    }


@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the user's own sessions."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    end_session(request, session)
    return redirect("usersessions_list")
