"""Saved views: filters of the Messages page that a user keeps under a name."""

from typing import Any, Final

from django import forms
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from messages.accounts.masking import sees_phones
from messages.accounts.scope import Viewer
from messages.dashboard.shared.views import ask, is_confirmed
from messages.models import SavedView
from messages.search.criteria import Criteria
from messages.search.parser import parse_search
from messages.search.querysets import may_name_person

from .filter_links import list_url, query_string, saved_view_url

MAX_VIEWS: Final = 30
MAX_QUERY_LENGTH: Final = 1000


_NAME_TAKEN: Final = gettext_lazy("You already have a view with this name.")


class SavedViewForm(forms.Form):
    name = forms.CharField(max_length=60)

    def __init__(self, saved: SavedView, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.saved = saved

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = SavedView.objects.filter(user=self.saved.user).exclude(pk=self.saved.pk)
        if others.filter(name=name).exists():
            raise forms.ValidationError(_NAME_TAKEN)
        if others.count() >= MAX_VIEWS:
            words = _("You can save up to %(most)d views. Delete one first.") % {"most": MAX_VIEWS}
            raise forms.ValidationError(words)
        return name


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def view_save(request: HttpRequest) -> HttpResponse:
    criteria = _criteria(request)
    saved = SavedView(user=_user(request), query=query_string(criteria))
    if _save(request, saved):
        flash.success(request, _("View saved as “%(name)s”.") % {"name": saved.name})
    return HttpResponseRedirect(list_url(criteria))


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def view_rename(request: HttpRequest, pk: int) -> HttpResponse:
    saved = _get_view(request, pk)
    if _save(request, saved):
        flash.success(request, _("View renamed to “%(name)s”.") % {"name": saved.name})
    return HttpResponseRedirect(saved_view_url(saved))


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    saved = _get_view(request, pk)
    if not is_confirmed(request):
        return ask(
            request,
            title=_("Delete the view “%(name)s”?") % {"name": saved.name},
            words=_("Messages are not affected."),
            button=_("Delete view"),
            back_url=saved_view_url(saved),
        )
    saved.delete()
    flash.success(request, _("View “%(name)s” deleted.") % {"name": saved.name})
    return HttpResponseRedirect(saved_view_url(saved))


def views_of(user: Viewer) -> list[SavedView]:
    """The user's views, without those with a number if the user may no longer see numbers."""
    saved = SavedView.objects.filter(user=user.pk) if isinstance(user, User) else ()
    return [one for one in saved if sees_phones(user) or not _holds_number(one)]


def _holds_number(saved: SavedView) -> bool:
    return may_name_person(Criteria.read(QueryDict(saved.query)).search)


def _get_view(request: HttpRequest, pk: int) -> SavedView:
    found = next((one for one in views_of(request.user) if one.pk == pk), None)
    if found is None:
        raise Http404
    return found


def _criteria(request: HttpRequest) -> Criteria:
    """The posted query, parsed, so that only valid parameters are saved."""
    criteria = Criteria.read(QueryDict(request.POST.get("query", "")[:4000]))
    if may_name_person(criteria.search) and not sees_phones(request.user):
        return criteria.replace(search=parse_search(""))
    return criteria


def _save(request: HttpRequest, saved: SavedView) -> bool:
    """Save the view under the posted name. If that fails, show the problem as a flash message."""
    form = SavedViewForm(saved, request.POST)
    is_short = len(saved.query) <= MAX_QUERY_LENGTH
    if form.is_valid() and is_short:
        saved.name = form.cleaned_data["name"]
        try:
            with transaction.atomic():
                saved.save()
        except IntegrityError:  # saved twice at the same time
            form.add_error("name", _NAME_TAKEN)
        else:
            return True
    problems = [str(words) for words in form.errors.get("name", [])]
    for words in problems or [_("This view is too complex to save.")]:
        flash.error(request, words)
    return False


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # excluded by the decorators
        raise TypeError(request.user)
    return request.user
