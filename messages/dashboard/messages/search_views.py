"""Links from a CRM, searches by POST, and look-ups of a number at Z-API."""

from typing import Final
from urllib.parse import urlencode

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messages import identities
from messages.accounts.audit import audit
from messages.accounts.encrypted_addresses import encrypt_address
from messages.accounts.number_search_limits import record_no_result, wait_to_search
from messages.accounts.roles import SEE_PHONES
from messages.accounts.scope import Viewer, limited_to, visible_instances
from messages.accounts.sign_in_limits import too_many_attempts
from messages.domain import addresses
from messages.identities import PhoneRecord
from messages.instances.sync import FAILURES
from messages.models import Action, Instance
from messages.search.message_ids import ids_in_text
from messages.search.parser import Meaning, Search, parse_search
from messages.search.querysets import may_name_person, message_set, named_messages

from .recipient_views import has_messages

# The parameter that carries Z-API's answer, signed so that nobody can forge one.
ANSWER: Final = "looked_up"
MAX_ANSWER_AGE: Final = 3600
_ANSWER_SALT: Final = "statusboard.looked_up"


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def go(request: HttpRequest) -> HttpResponse:
    """Open the message with the id in `message_id`.

    If several instances have this id, `instance` (its id at Z-API or here) selects one.
    """
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
    """The search for viewers who may not see numbers.

    If the text is the id or reference of a message, open that message. Otherwise, if it contains
    one full number, redirect to the recipient's encrypted URL.
    """
    wanted = parse_search(request.POST.get("q", ""))
    if not may_name_person(wanted):
        return HttpResponseRedirect(_search_url(wanted.text))
    if wait := wait_to_search(request.user, wanted.text):
        return too_many_attempts(request, wait)
    if keys := named_messages(wanted, request.user):
        address = _search_url(wanted.text)
        return redirect("dashboard:message", keys[0]) if len(keys) == 1 else redirect(address)
    number = _only_number(wanted)
    if number is None:
        flash.error(request, _search_advice(wanted))
        return redirect("dashboard:messages")
    address = best_match(number, request.user)
    if not has_messages(address, request.user):
        record_no_result(request.user, wanted.text)
        flash.error(request, _("No messages for this recipient"))
        return redirect("dashboard:messages")
    return redirect("dashboard:recipient", encrypt_address(address))


@require_POST
@permission_required(["whatsapp.view_message", SEE_PHONES], raise_exception=True)
def look_up(request: HttpRequest) -> HttpResponse:
    """Ask Z-API about a number. Only on request, and audited."""
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
        details = {"is_on_whatsapp": found.is_on_whatsapp, "has_lid": bool(found.lid)}
        audit(request, Action.PHONE_LOOKED_UP, about=instance, recipient=number, details=details)
        answer = _signed_answer(wanted.text, found)
        return HttpResponseRedirect(_search_url(wanted.text, looked_up=answer))
    return HttpResponseRedirect(_search_url(wanted.text))


def _only_number(wanted: Search) -> Search | None:
    """The only complete number or address in the text; None if it also contains a message id."""
    if wanted.addresses:
        return wanted
    numbers = () if ids_in_text(wanted.text) else wanted.numbers_in_text
    return parse_search(numbers[0]) if len(numbers) == 1 else None


def _search_advice(wanted: Search) -> str:
    if wanted.part:
        return _("Your role can only search by full number.")
    return _("Nothing found. Enter one full number or one message id, without other text.")


def recipient_named_in(wanted: Search, user: Viewer) -> str:
    """The address of the only recipient that the text names; "" if they have no messages."""
    number = _only_number(wanted)
    address = best_match(number, user) if number else ""
    return address if address and has_messages(address, user) else ""


def best_match(wanted: Search, user: Viewer) -> str:
    """Of the possible numbers, one that has messages."""
    found = limited_to(user, message_set().filter(phone__in=wanted.addresses))
    return found.values_list("phone", flat=True).first() or wanted.addresses[0]


def _pk(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _search_url(text: str, instance: Instance | None = None, **more: str) -> str:
    query = more | {"q": text} if text else more
    if instance:
        query["instance"] = str(instance.pk)
    path = reverse("dashboard:messages")
    return f"{path}?{urlencode(query)}" if query else path


def _signed_answer(text: str, found: PhoneRecord) -> str:
    record = [text, found.is_on_whatsapp, found.number, found.lid]
    return signing.dumps(record, salt=_ANSWER_SALT, compress=True)


def answer_text(signed: str, text: str) -> str:
    """Z-API's answer in words; "" if it is invalid, old or about another text."""
    try:
        asked, *record = signing.loads(signed, salt=_ANSWER_SALT, max_age=MAX_ANSWER_AGE)
    except signing.BadSignature:
        return ""
    return _answer_in_words(PhoneRecord(*record)) if asked == text else ""


def _answer_in_words(found: PhoneRecord) -> str:
    number = addresses.format_international(found.number)
    if not found.is_on_whatsapp:
        return _("%(number)s is not on WhatsApp.") % {"number": number}
    if found.lid:
        words = _("On WhatsApp this number is %(number)s (LID %(lid)s). We searched both.")
        return words % {"number": number, "lid": found.lid}
    return _("On WhatsApp this number is %(number)s. Z-API did not report its LID.") % {
        "number": number
    }
