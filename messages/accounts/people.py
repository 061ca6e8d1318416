"""Invite people and change their roles and limits. Every change is audited."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from messages.accounts.audit import audit
from messages.models import Account, Action, Instance, UserLimit

from . import account_notices
from .roles import ADMIN, PERMISSIONS
from .scope import Viewer, is_limited

MANAGE = "auth.change_user"


class LastAdminError(Exception):
    """There would be no admin left."""


class InvitationTokens(PasswordResetTokenGenerator):
    """Signed tokens, valid for PASSWORD_RESET_TIMEOUT and until a password is set."""

    key_salt = "messages.accounts.people.invitation"


invitation_tokens = InvitationTokens()


@dataclass(frozen=True, slots=True)
class Access:
    """The role and limits of a person. No limits means access to everything."""

    role: str
    accounts: tuple[Account, ...] = ()
    instances: tuple[Instance, ...] = ()


def may_manage_people(viewer: Viewer) -> bool:
    """Whether the person manages people. With limits they could remove their own limits."""
    return viewer.has_perm(MANAGE) and not is_limited(viewer)


def may_change(viewer: Viewer, user: User) -> bool:
    """Only superusers may change superusers."""
    return may_manage_people(viewer) and (viewer.is_superuser or not user.is_superuser)


def active_admins() -> QuerySet[User]:
    return User.objects.filter(
        Q(is_superuser=True) | Q(groups__name=ADMIN, limits=None), is_active=True
    ).distinct()


def invite(request: HttpRequest, *, username: str, email: str, access: Access) -> User:
    """Create a person without a password, who chooses one with a link."""
    with transaction.atomic():
        user = User.objects.create_user(username, email=email)
        _grant(user, access)
    audit(request, Action.INVITED, details={"user": username} | _words(access))
    return user


def renew_invitation(request: HttpRequest, user: User) -> None:
    """Invalidate the password and all earlier links."""
    user.set_unusable_password()
    user.save(update_fields=["password"])
    end_sessions(user)
    audit(request, Action.INVITED, details={"user": user.get_username(), "again": True})


def change_access(request: HttpRequest, user: User, access: Access) -> None:
    with _admins_left():
        _grant(user, access)
    _changed(request, user, **_words(access))
    account_notices.notify(user, account_notices.ACCESS_CHANGED, request)


def set_active(request: HttpRequest, user: User, *, active: bool) -> None:
    with _admins_left():
        user.is_active = active
        user.save(update_fields=["is_active"])
    if not active:
        end_sessions(user)
    _changed(request, user, active=active)
    account_notices.notify(
        user, account_notices.REACTIVATED if active else account_notices.DEACTIVATED, request
    )


def reset_two_factor(request: HttpRequest, user: User) -> None:
    """Remove all second factors and end all sessions, e.g. after a phone was lost."""
    Authenticator.objects.filter(user=user).delete()
    end_sessions(user)
    audit(request, Action.TWO_FACTOR_CHANGED, details={"user": user.get_username(), "reset": True})
    account_notices.notify(user, account_notices.TWO_FACTOR_RESET, request)


def apply_admin_change(
    request: HttpRequest, user: User, changed: Iterable[str], *, email_before: str
) -> None:
    """Apply the consequences of a change in Django admin, which audits the change itself.

    A new address ends the sessions, like a new password. Links sent to the old address become
    invalid, because they are signed with it.
    """
    changed = set(changed)
    if "email" in changed:
        end_sessions(user, except_for=request.session.session_key)
        account_notices.notify(user, account_notices.EMAIL_CHANGED, request, also=[email_before])
    if "is_active" in changed:
        end_sessions(user)
        words = account_notices.REACTIVATED if user.is_active else account_notices.DEACTIVATED
        account_notices.notify(user, words, request)
    if changed & {"is_staff", "is_superuser", "groups", "user_permissions"}:
        account_notices.notify(user, account_notices.ACCESS_CHANGED, request)


def end_session(request: HttpRequest, session: UserSession) -> None:
    session.end()
    audit(request, Action.SIGNED_OUT, details={"elsewhere": 1})


def end_other_sessions(request: HttpRequest, user: User) -> None:
    """End all other sessions of the user."""
    if ended := end_sessions(user, except_for=request.session.session_key):
        audit(request, Action.SIGNED_OUT, details={"elsewhere": ended})


def end_sessions(user: User, *, except_for: str | None = None) -> int:
    ended = list(UserSession.objects.filter(user=user).exclude(session_key=except_for or ""))
    for session in ended:
        session.end()
    return len(ended)


def describe_access(user: User) -> dict[str, object]:
    """Describe the access of a person for the audit log."""
    roles = user.groups.order_by("name").values_list("name", flat=True)
    return {
        "user": user.get_username(),
        "superuser": user.is_superuser,
        "staff": user.is_staff,
        "active": user.is_active,
        "roles": list(roles),
        "permissions": sorted(user.get_user_permissions()),
    }


def _grant(user: User, access: Access) -> None:
    others = user.groups.exclude(name__in=PERMISSIONS)
    user.groups.set([*others, Group.objects.get(name=access.role)])
    user.limits.all().delete()
    UserLimit.objects.bulk_create(_limits(user, access))


def _limits(user: User, access: Access) -> Iterator[UserLimit]:
    yield from (UserLimit(user=user, account=account) for account in access.accounts)
    yield from (UserLimit(user=user, instance=instance) for instance in access.instances)


@contextmanager
def people_lock() -> Iterator[None]:
    """Allow one change of people at a time, in a transaction.

    So checks, e.g. of a free user name, are still valid when the change is saved.
    """
    with transaction.atomic():
        Group.objects.select_for_update().get(name=ADMIN)
        yield


@contextmanager
def _admins_left() -> Iterator[None]:
    """Ensure that an admin is left, also if two admins deactivate each other."""
    with people_lock():
        yield
        if not active_admins().exists():
            raise LastAdminError


def _changed(request: HttpRequest, user: User, **details: object) -> None:
    audit(request, Action.USER_CHANGED, details={"user": user.get_username()} | details)


def _words(access: Access) -> dict[str, object]:
    return {
        "role": access.role,
        "accounts": _names(access.accounts),
        "instances": _names(access.instances),
    }


def _names(rows: Iterable[Account | Instance]) -> list[str]:
    return [str(row) for row in rows]
