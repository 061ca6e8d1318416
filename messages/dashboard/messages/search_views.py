"""Ways to a message or a person from elsewhere: a CRM's link, a search by POST, Z-API's look-up."""

from urllib.parse import urlencode

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messages import identities
from messages.accounts.audit import audit
from messages.accounts.number_search_limits import note_nothing_found, wait_to_search
from messages.accounts.roles import SEE_PHONES
from messages.accounts.scope import limited_to, visible_instances
from messages.accounts.sign_in_limits import too_many_attempts
from messages.instances.sync import FAILURES
from messages.models import Action, Instance
from messages.search.encrypted_addresses import encrypt_address
from messages.search.message_ids import ids_in_text
from messages.search.parser import Meaning, Search, parse_search
from messages.search.querysets import may_name_person, message_set, named_messages

from . import lookup_answers
from .recipient_views import has_messages


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def go(request: HttpRequest) -> HttpResponse:
    """`?message_id=`, and `instance=` (its Z-API id, or its number here) where ids repeat."""
    text = request.GET.get("message_id", "").strip()
    instance = visible_instances(request.user).named(request.GET.get("instance", ""))
    found = limited_to(request.user, message_set().with_id(parse_search(text).ids))
    if instance:
        found = found.of_instances([instance.pk])
    keys = list(found.values_list("pk", flat=True)[:2]) if text else []
    if len(keys) == 1:
        return redirect("dashboard:message", pk=keys[0])
    return HttpResponseRedirect(_search_url(text, instance))


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def search(request: HttpRequest) -> HttpResponse:
    """The search of those who may not see numbers: a whole number leads to its opaque address.

    So does one that stands among other words. Digits may be an id or a reference as well, and are
    taken for somebody's only where they are none.
    """
    wanted = parse_search(request.POST.get("q", ""))
    if not may_name_person(wanted):
        return HttpResponseRedirect(_search_url(wanted.text))
    if wait := wait_to_search(request.user, wanted.text):
        return too_many_attempts(request, wait)
    if keys := named_messages(wanted, request.user):
        address = _search_url(wanted.text)
        return redirect("dashboard:message", keys[0]) if len(keys) == 1 else redirect(address)
    number = _number_in(wanted)
    if number is None:
        flash.error(request, _what_to_type(wanted))
        return redirect("dashboard:messages")
    address = _most_likely(number, request)
    if not has_messages(address, request.user):
        note_nothing_found(request.user, wanted.text)
        flash.error(request, _("No messages for this recipient"))
        return redirect("dashboard:messages")
    return redirect("dashboard:recipient", encrypt_address(address))


@require_POST
@permission_required(["whatsapp.view_message", SEE_PHONES], raise_exception=True)
def look_up(request: HttpRequest) -> HttpResponse:
    """Ask Z-API about a number. Only ever because somebody clicked, and written down."""
    wanted = parse_search(request.POST.get("phone", ""))
    if wanted.meaning is not Meaning.NUMBER:
        flash.error(request, _("Only a full number can be checked."))
        return HttpResponseRedirect(_search_url(wanted.text))
    active = visible_instances(request.user).filter(archived_at=None).select_related("account")
    instance = get_object_or_404(active, pk=_pk(request.POST.get("instance", "")))
    number = wanted.addresses[0]
    try:
        found = identities.look_up(instance, number)
    except FAILURES as error:
        audit(request, Action.PHONE_LOOKED_UP, about=instance, recipient=number)
        flash.error(request, str(error))
    else:
        told = {"is_on_whatsapp": found.is_on_whatsapp, "has_lid": bool(found.lid)}
        audit(request, Action.PHONE_LOOKED_UP, about=instance, recipient=number, details=told)
        answer = lookup_answers.sealed(wanted.text, found)
        return HttpResponseRedirect(_search_url(wanted.text, looked_up=answer))
    return HttpResponseRedirect(_search_url(wanted.text))


def _number_in(wanted: Search) -> Search | None:
    """The one whole number or other address that was typed; not one beside the id of a message."""
    if wanted.addresses:
        return wanted
    numbers = () if ids_in_text(wanted.text) else wanted.numbers_in_text
    return parse_search(numbers[0]) if len(numbers) == 1 else None


def _what_to_type(wanted: Search) -> str:
    if wanted.part:
        return _("Your role can only search by full number.")
    return _("Nothing found. Enter one full number or one message id, without other text.")


def _most_likely(wanted: Search, request: HttpRequest) -> str:
    """Of the numbers that the digits may mean, one that messages went to."""
    found = limited_to(request.user, message_set().filter(phone__in=wanted.addresses))
    return found.values_list("phone", flat=True).first() or wanted.addresses[0]


def _pk(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _search_url(text: str, instance: Instance | None = None, **more: str) -> str:
    query = more | {"q": text} if text else more
    if instance:
        query["instance"] = str(instance.pk)
    path = reverse("dashboard:messages")
    return f"{path}?{urlencode(query)}" if query else path
