from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from messages.accounts.masking import as_seen_by, sees_phones
from messages.accounts.number_search_limits import record_no_result, wait_to_search
from messages.accounts.roles import SEE_PHONES
from messages.accounts.scope import Viewer, limited_to, visible_instances, visible_tags
from messages.accounts.sign_in_limits import too_many_attempts
from messages.answers import Response, answers_to, responses_of
from messages.dashboard.incidents.incident_rows import why_stuck
from messages.dashboard.privacy.hold_rows import message_hold_context
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, with_years
from messages.domain import addresses
from messages.domain.addresses import AddressKind
from messages.domain.durations import unexpected_zone_label
from messages.domain.message_kinds import MessageKind
from messages.domain.render_context import fixed_render_context
from messages.domain.rollup import is_shared
from messages.domain.statuses import Status
from messages.instances.webhook_urls import webhook_url
from messages.models import Answer, Callback, CallbackQuerySet, Instance, Message, StatusEvent
from messages.privacy import any_hold, holds_of
from messages.search.criteria import Criteria, Period, View, are_dates_reversed
from messages.search.keyset import PAGE_SIZE, read_page
from messages.search.matches import Matches, find_matches, labels_found, numbers_of_lids
from messages.search.parser import Meaning, Search, parse_search
from messages.search.querysets import may_name_person, named_messages

from . import filter_links
from .event_log import event_log, event_summary
from .list_counts import ListCounts
from .message_rows import by_day, labels_for, rows_of, stuck_for
from .new_messages import Person, live_url
from .overview_link import overview_url
from .recipient_views import recipient_url
from .saved_views import may_change, views_of
from .search_views import ANSWER, answer_text, recipient_named_in
from .status_sentence import internal_details, sentence, why_no_read
from .timeline import Recipient, headline, recipients, steps
from .unconfirmed_views import NEWEST_FIRST, unconfirmed_context
from .verdict_views import queue_url, verdict_of

# A message to a large group has thousands of events; the page shows the first ones.
MAX_SHOWN: Final = 300
MAX_WEBHOOKS: Final = 5
# A callback shows unmasked numbers.
CALLBACK_PERMISSIONS: Final = ["whatsapp.view_message", "whatsapp.view_callback", SEE_PHONES]


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
@fixed_render_context()
def message_list(request: HttpRequest) -> HttpResponse:
    criteria = Criteria.read(request.GET)
    if wait := wait_to_search(request.user, criteria.search.text):
        return too_many_attempts(request, wait)
    if may_name_person(criteria.search) and not sees_phones(request.user):
        keys = named_messages(criteria.search, request.user)
        if len(keys) < 2:
            return _open_named(request, criteria, keys)
        criteria = criteria.replace(search=criteria.search.as_text)
    instances = list(visible_instances(request.user))
    context = _list_context(request, criteria, instances)
    if criteria.view is View.UNCONFIRMED:
        labels = criteria.unconfirmed_labels(request.user)
        context |= unconfirmed_context(request, criteria, labels)
        context |= _count_context(criteria, labels.order_by(*NEWEST_FIRST), request.user)
        return render(request, "dashboard/messages.html", context)
    matches = find_matches(criteria.search, request.user)
    found = criteria.messages(request.user, matches)
    page = read_page(found, request.GET.dict(), criteria.sorting)
    _set_instances(instances, page.rows)
    rows = rows_of(page.rows, request.user, criteria.order)
    context |= {
        "understood": _search_description(criteria.search, matches, request.user),
        "other_reading": _other_reading(criteria, request.user),
        "rows": rows,
        "days": by_day(rows),
        "is_failed_list": criteria.view is View.FAILED,
        **_count_context(criteria, found.newest_first(criteria.order), request.user),
        "older_url": page.older and filter_links.page_url(criteria, older=page.older),
        "newer_url": page.newer and filter_links.page_url(criteria, newer=page.newer),
    }
    if page.is_first:
        context["live_url"] = live_url(criteria, page.rows, request.user)
        context["oldest_stuck"] = rows[0].started if rows and criteria.oldest_first else None
    if (signed := request.GET.get(ANSWER)) and sees_phones(request.user):
        context["looked_up"] = answer_text(signed, criteria.search.text)
    if not page.rows:
        context |= _empty_list_context(criteria, matches, instances, request.user)
    return render(request, "dashboard/messages.html", context)


def _list_context(
    request: HttpRequest, criteria: Criteria, instances: list[Instance]
) -> dict[str, Any]:
    """What every view of the list shows: its filters and links."""
    saved, query = views_of(request.user), filter_links.query_string(criteria)
    current = next((one for one in saved if one.query == query), None)
    return {
        "criteria": criteria,
        "hidden_inputs": filter_links.hidden_inputs(criteria),
        "query": query,
        "chips": list(filter_links.chips(criteria, instances, request.user)),
        "saved_links": filter_links.saved_links(criteria, saved, request.user),
        "current_view": current,
        "shared_by": current and filter_links.shared_by(current, request.user),
        "may_change_view": current and may_change(current, request.user),
        "status_links": filter_links.status_links(criteria),
        "kind_links": filter_links.kind_links(criteria),
        "instance_links": filter_links.instance_links(criteria, instances),
        "tag_links": filter_links.tag_links(criteria, visible_tags(request.user)),
        "retry_links": criteria.view is View.FAILED and filter_links.retry_links(criteria),
        "period_links": filter_links.period_links(criteria),
        "day_inputs": filter_links.day_inputs(criteria),
        "chosen_days": filter_links.days_of(criteria),
        "period_label": filter_links.period_label(criteria),
        "overview_url": overview_url(criteria),
        "date_problem": are_dates_reversed(request.GET),
        "inbound_url": filter_links.list_url(criteria, inbound=not criteria.inbound),
        "dates": criteria.has_dates,
        "all_time_url": filter_links.all_time_url(criteria),
        "clear_url": reverse("dashboard:messages"),
    }


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
@fixed_render_context()
def message_detail(request: HttpRequest, pk: int) -> HttpResponse:
    message = _message(request, pk)
    events = as_seen_by(request.user, message.events.all())
    found, entries = headline(events), event_log(events)
    climbed = steps(events)
    response = responses_of([message.pk]).get(message.pk)
    people = recipients(events)
    if len(people) < 2 and not is_shared(events):
        people = ()
    context = _head_context(message, request.user) | {
        "tab": "timeline",
        "first_heard": Moment(message.first_heard_at),
        "printed": Moment(timezone.now()),
        "headline": found,
        "sender": _sending_address(message),
        "sentence": sentence(events, response),
        "internal_details": internal_details(events, stuck_for(message)),
        "response": response,
        "answers": _answers(message, response),
        "zone_in_sentence": _zone_to_tell(message) if events else "",
        "printed_sentence": _printed_sentence(events, message, response),
        "is_proof": found.status.rank >= Status.RECEIVED.rank and not message.inbound,
        "why_no_read": why_no_read(
            found,
            is_answered=bool(response and response.answered_at),
            receipts_off=_has_receipts_off(message),
            in_group=message.kind is MessageKind.GROUP,
        ),
        "verdict": verdict_of(message, request.user, response),
        "queue_url": queue_url(message),
        "steps": climbed,
        "was_played": climbed[-1].status is Status.PLAYED,
        "by_us": next((entry for entry in entries if entry.is_by_us), None),
        "people": _with_numbers(people[:MAX_SHOWN], request.user),
        "people_left_out": max(0, len(people) - MAX_SHOWN),
        "event_summary": event_summary(entries),
        "has_ordinary": any(not entry.is_unusual for entry in entries[:MAX_SHOWN]),
        "entries": entries[:MAX_SHOWN],
        "left_out": max(0, len(entries) - MAX_SHOWN),
    }
    holds = holds_of(message, {one for event in events for one in (event.phone, event.participant)})
    context |= message_hold_context(holds, request.user, message.pk)
    is_panel = "HX-Request" in request.headers
    template = "dashboard/_message_panel.html" if is_panel else "dashboard/message.html"
    return render(request, template, context)


@require_safe
@permission_required(CALLBACK_PERMISSIONS, raise_exception=True)
def message_callbacks(request: HttpRequest, pk: int) -> HttpResponse:
    message = _message(request, pk)
    context = _head_context(message, request.user) | {
        "tab": "callbacks",
        "headline": headline(as_seen_by(request.user, message.events.all())),
        "callbacks": _callbacks_of(message),
    }
    return render(request, "dashboard/message_callbacks.html", context)


@require_safe
@permission_required(CALLBACK_PERMISSIONS, raise_exception=True)
def message_callback(request: HttpRequest, pk: int, callback: UUID) -> HttpResponse:
    """Download one callback; secrets in it are removed."""
    found = get_object_or_404(_callbacks_of(_message(request, pk)).kept(), pk=callback)
    name = f"callback-{found.pk}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(found.text, content_type="application/json", headers=headers)


def _count_context(criteria: Criteria, found: QuerySet[Any], user: Person) -> dict[str, Any]:
    counts = ListCounts(criteria, found, filter_links.view_criteria(criteria), user)
    return {
        "view_links": filter_links.view_links(criteria, counts.of_tab),
        "results": counts.results,
        "results_words": counts.results_words,
        "results_note": counts.results_note,
        "stuck_links": filter_links.stuck_links(criteria, counts.stuck),
        "other_order_url": filter_links.other_order_url(criteria),
    }


def _set_instances(instances: Iterable[Instance], messages: Iterable[Message]) -> None:
    """Set each message's instance from those already loaded, which is cheaper than a join."""
    by_pk = {one.pk: one for one in instances}
    for message in messages:
        if message.instance_id in by_pk:
            message.instance = by_pk[message.instance_id]


def _open_named(request: HttpRequest, criteria: Criteria, keys: Sequence[int]) -> HttpResponse:
    """Open the message or the recipient that the search text identifies, or show an error.

    Called if the text may be a phone number and the viewer may not see numbers. A link with a full
    number leads to the same list under an encrypted address. That tells no more than the search
    box, where a full number may be searched, and counts against the same limit.
    """
    if keys:
        return redirect("dashboard:message", pk=keys[0])
    without = criteria.replace(search=parse_search(""))
    if address := recipient_named_in(criteria.search, request.user):
        return HttpResponseRedirect(filter_links.list_url(without, recipient=address))
    record_no_result(request.user, criteria.search.text)
    flash.error(
        request,
        _(
            "This link contains a phone number, or a part of one, that matches no recipient you "
            "can see. Paste the full number into the search box."
        ),
    )
    return HttpResponseRedirect(filter_links.list_url(without))


def _message(request: HttpRequest, pk: int) -> Message:
    visible = limited_to(request.user, Message.objects.select_related("instance"))
    return get_object_or_404(visible.annotate(any_hold=any_hold()), pk=pk)


def _has_receipts_off(message: Message) -> bool:
    since = message.instance.receipts_off_since
    return bool(since and message.started_at >= since and not message.is_group)


def _answers(message: Message, response: Response | None) -> list[tuple[Answer, Address, Moment]]:
    """Return the answers with the addresses of the people who answered."""
    found = answers_to(message) if response and response.answered_at else []
    return [(one, Address(one.author), Moment(one.at)) for one in found]


def _sending_address(message: Message) -> Address:
    """The number that the instance had when the message was sent; empty if it is not known."""
    instance, changed_at = message.instance, message.instance.number_changed_at
    is_older = changed_at is not None and message.started_at < changed_at
    return Address(instance.previous_number if is_older else instance.number)


def _printed_sentence(
    events: Sequence[StatusEvent], message: Message, response: Response | None
) -> str:
    """The status sentence with a year in every date.

    A printed page may be read in a later year.
    """
    with with_years():
        details = internal_details(events, stuck_for(message))
        return f"{sentence(events, response)} {details}".strip()


def _head_context(message: Message, user: Viewer) -> dict[str, Any]:
    waiting = stuck_for(message)
    reasons = why_stuck([message] if waiting else (), user)
    return {
        "message": message,
        "address": Address(message.phone),
        "label": labels_for(user, [message]).get((message.instance_id, message.zapi_id)),
        "recipient_url": recipient_url(message.phone),
        "stuck_for": waiting,
        "why_stuck": reasons.get(message.pk),
    }


def _search_description(search: Search, matches: Matches, user: Viewer) -> str:
    if search.meaning is Meaning.TOO_SHORT and not sees_phones(user):
        return _("Too short: enter a full number or a full message id.")
    return f"{search.description} {matches.description}".strip()


def _empty_list_context(
    criteria: Criteria, matches: Matches, instances: list[Instance], user: Viewer
) -> dict[str, Any]:
    """The context of _nothing.html: the reason for the empty list and links to try."""
    anywhere = criteria.search.anywhere_text if sees_phones(user) else ""
    webhooks = _webhook_urls(instances, user)
    why, unfiltered = _empty_reason(criteria, instances, user), None
    if why == "no match" and (unfiltered := _wider_link(criteria, matches, user)):
        why = "only filtered"
    return {
        "nothing": why,
        "unfiltered": unfiltered,
        "webhooks": webhooks[:MAX_WEBHOOKS],
        "has_more_webhooks": len(webhooks) > MAX_WEBHOOKS,
        "anywhere_url": anywhere and filter_links.list_url(criteria, search=parse_search(anywhere)),
        "digits_alone": _digits_link(criteria, user),
        "numbers": _number_links(criteria, user),
        "labelled": labels_found(matches, instances) if why == "no match" else (),
        "askable": [one for one in instances if not one.archived_at]
        if criteria.search.meaning is Meaning.NUMBER
        else [],
    }


def _digits_link(criteria: Criteria, user: Viewer) -> filter_links.Link | None:
    """A link that searches for the digits alone: "order 1042" does not find "pedido 1042"."""
    digits = criteria.search.digits_among_words if sees_phones(user) else ""
    if not digits:
        return None
    label = _("Search only for %(digits)s") % {"digits": digits}
    return filter_links.Link(label, filter_links.list_url(criteria, search=parse_search(digits)))


def _empty_reason(criteria: Criteria, instances: list[Instance], user: Viewer) -> str:
    """The reason for an empty list: one of the codes in _nothing.html."""
    if not instances:
        return "no instance"
    # An inbound message never has the status Unknown.
    may_be_inbound = not criteria.inbound and criteria.statuses != (Status.UNKNOWN,)
    if may_be_inbound and criteria.replace(inbound=True).messages(user).exists():
        return "only inbound"
    everything = criteria.replace(chosen_period=Period.ALL)
    if criteria.period is not Period.ALL and everything.messages(user).exists():
        return "only older"
    return "no match" if criteria.has_filters else "nothing heard"


def _wider_link(criteria: Criteria, matches: Matches, user: Viewer) -> filter_links.Link | None:
    """A link to the search without other filters, if that has results."""
    bare = Criteria(criteria.search)
    for wider in (bare, bare.replace(inbound=True)) if criteria.search else ():
        keys = wider.messages(user, matches).values_list("pk", flat=True)
        if number := len(keys[: PAGE_SIZE + 1]):
            return filter_links.Link(_unfiltered_label(number), filter_links.list_url(wider))
    return None


def _zone_to_tell(message: Message) -> str:
    sent = timezone.localtime(message.started_at)
    return unexpected_zone_label(timezone.get_current_timezone_name(), sent)


def _number_links(criteria: Criteria, user: Viewer) -> list[filter_links.Link]:
    """A search link for each number among other words."""
    numbers = criteria.search.numbers_in_text if sees_phones(user) else ()
    return [
        filter_links.Link(one, filter_links.list_url(criteria, search=parse_search(one)))
        for one in numbers
    ]


def _other_reading(criteria: Criteria, user: Viewer) -> filter_links.Link | None:
    """A link that searches for the digits among the words as part of a phone number."""
    digits = criteria.search.digits_among_words if sees_phones(user) else ""
    if not digits:
        return None
    search = parse_search(criteria.search.anywhere_text)
    label = _("Search numbers containing %(digits)s instead") % {"digits": digits}
    return filter_links.Link(label, filter_links.list_url(criteria, search=search))


def _unfiltered_label(number: int) -> str:
    if number > PAGE_SIZE:
        return _("More than %(count)d results without filters") % {"count": PAGE_SIZE}
    words = ngettext(
        "%(count)d result without filters",
        "%(count)d results without filters",
        number,
    )
    return words % {"count": number}


def _webhook_urls(instances: Sequence[Instance], user: Viewer) -> list[tuple[Instance, str]]:
    """Webhook URLs, for users who may see them: they contain a secret."""
    if not user.has_perm("whatsapp.change_instance"):
        return []
    return [(one, webhook_url(one)) for one in instances if not one.archived_at]


def _callbacks_of(message: Message) -> CallbackQuerySet:
    """The first callback of each event."""
    first = message.events.order_by("occurred_at").values_list("callback", flat=True)
    found = Callback.objects.filter(pk__in=list(first[:MAX_SHOWN]))
    return found.order_by("received_at", "id")


def _with_numbers(people: Sequence[Recipient], user: Viewer) -> list[Recipient]:
    """Add to each LID the number that it was seen with on any message."""
    lids = list(map(_only_lid, people))
    numbers = numbers_of_lids(filter(None, lids), user)
    # If some events name a person's LID and others the number, the page lists two recipients. Do
    # not show both with the same number.
    named = {addresses.person_key(address) for one in people for address in one.addresses}
    known = {lid: number for lid, number in numbers.items() if number not in named}
    return [
        replace(one, known_as=known.get(lid, "")) for one, lid in zip(people, lids, strict=True)
    ]


def _only_lid(one: Recipient) -> str:
    """The LID, or "" if a number was reported too."""
    kinds = {addresses.kind_of(address) for address in one.addresses}
    return addresses.person_key(one.addresses[0]) if kinds == {AddressKind.LID} else ""
