"""Saved views: filters of the Messages page under a name, for one person or for everyone."""

from typing import Any, Final

from django import forms
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from messages.accounts.masking import sees_phones
from messages.accounts.roles import SHARE_VIEWS
from messages.accounts.scope import Viewer, is_limited, visible_instances, visible_tags
from messages.dashboard.shared.views import ask, is_confirmed
from messages.domain.addresses import contains_number
from messages.models import SavedView
from messages.search.criteria import Criteria
from messages.search.parser import parse_search
from messages.search.querysets import may_name_person

from .filter_links import Person, list_url, owner_name, query_string, saved_view_url
from .search_views import recipient_named_in

MAX_VIEWS: Final = 30
MAX_QUERY_LENGTH: Final = 1000


_NAME_TAKEN: Final = gettext_lazy("You already have a view with this name.")


class SavedViewForm(forms.Form):
    """`saved` is the view to save; without permission to share, `shared` is ignored."""

    name = forms.CharField(max_length=60)
    shared = forms.BooleanField(required=False)

    def __init__(self, saved: SavedView, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.saved, self.user = saved, user

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = SavedView.objects.filter(user=self.saved.user).exclude(pk=self.saved.pk)
        if others.filter(name=name).exists():
            raise forms.ValidationError(_NAME_TAKEN)
        if others.count() >= MAX_VIEWS:
            words = _("You can save up to %(most)d views. Delete one first.") % {"most": MAX_VIEWS}
            raise forms.ValidationError(words)
        return name

    def clean(self) -> dict[str, Any]:
        """A shared view is read by people who may not see numbers."""
        if not self.user.has_perm(SHARE_VIEWS):
            self.cleaned_data["shared"] = self.saved.shared
        if self.cleaned_data["shared"]:
            if contains_number(self.cleaned_data.get("name", "")):
                words = _("Do not put a phone number in the name of a shared view.")
                self.add_error("name", words)
            self.saved.query = query_string(self._without_number())
        return self.cleaned_data

    def _without_number(self) -> Criteria:
        """The filters of the view. A search for a full number becomes an encrypted recipient."""
        criteria = Criteria.read(QueryDict(self.saved.query))
        if not may_name_person(criteria.search):
            return criteria
        address = recipient_named_in(criteria.search, self.user)
        if not address:
            words = _(
                "A shared view can contain a full number with messages, but no part of a number."
            )
            self.add_error("name", words)
        return criteria.replace(search=parse_search(""), recipient=address)


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def view_save(request: HttpRequest) -> HttpResponse:
    criteria = _criteria(request)
    saved = SavedView(user=_user(request), query=query_string(criteria))
    if _save(request, saved):
        flash.success(request, _("View saved as “%(name)s”.") % {"name": saved.name})
        return HttpResponseRedirect(saved_view_url(saved))
    return HttpResponseRedirect(list_url(criteria))


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def view_rename(request: HttpRequest, pk: int) -> HttpResponse:
    saved = _get_view(request, pk)
    is_unshared = saved.shared and "shared" not in request.POST
    if is_unshared and request.user.has_perm(SHARE_VIEWS) and not is_confirmed(request):
        return ask(
            request,
            title=_("Stop sharing the view “%(name)s”?") % {"name": saved.name},
            words=_("Everyone except %(owner)s loses this view.") % {"owner": owner_name(saved)},
            button=_("Stop sharing"),
            back_url=saved_view_url(saved),
        )
    if _save(request, saved):
        flash.success(request, _("View saved as “%(name)s”.") % {"name": saved.name})
    return HttpResponseRedirect(saved_view_url(saved))


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    saved = _get_view(request, pk)
    if not is_confirmed(request):
        lost = [_("Everyone loses this shared view.")] if saved.shared else []
        return ask(
            request,
            title=_("Delete the view “%(name)s”?") % {"name": saved.name},
            words=" ".join([*lost, _("Messages are not affected.")]),
            button=_("Delete view"),
            back_url=saved_view_url(saved),
        )
    saved.delete()
    flash.success(request, _("View “%(name)s” deleted.") % {"name": saved.name})
    return HttpResponseRedirect(saved_view_url(saved))


def views_of(user: Viewer) -> list[SavedView]:
    """The user's own views, then those that others share, without those that would tell too much.

    That is: a number that the user may not see, and the names of other people's instances and tags.
    """
    if not isinstance(user, User):
        return []
    found = SavedView.objects.filter(Q(user=user) | Q(shared=True)).select_related("user")
    saved = sorted(found, key=lambda one: one.user_id != user.pk)
    return [one for one in saved if _is_for(one, user)]


def may_change(saved: SavedView, user: Person) -> bool:
    return saved.user_id == user.pk or (saved.shared and user.has_perm(SHARE_VIEWS))


def _is_for(saved: SavedView, user: User) -> bool:
    if not sees_phones(user) and _holds_number(saved):
        return False
    return saved.user_id == user.pk or not is_limited(user) or _is_visible(saved, user)


def _is_visible(saved: SavedView, user: User) -> bool:
    """Whether all instances and tags of a shared view are ones that `user` may see."""
    criteria = Criteria.read(QueryDict(saved.query))
    instances = visible_instances(user).filter(pk__in=criteria.instances)
    tags = {tag.name.lower() for tag in visible_tags(user)} if criteria.tags else set()
    return instances.count() == len(criteria.instances) and tags >= {
        tag.lower() for tag in criteria.tags
    }


def _holds_number(saved: SavedView) -> bool:
    return may_name_person(Criteria.read(QueryDict(saved.query)).search)


def _get_view(request: HttpRequest, pk: int) -> SavedView:
    found = next((one for one in views_of(request.user) if one.pk == pk), None)
    if found is None or not may_change(found, request.user):
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
    form = SavedViewForm(saved, _user(request), request.POST)
    if form.is_valid() and len(saved.query) <= MAX_QUERY_LENGTH:
        saved.name, saved.shared = form.cleaned_data["name"], form.cleaned_data["shared"]
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
