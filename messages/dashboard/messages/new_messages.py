"""Counts messages that are newer than an open page, or have changed since, with one small query.

The page's criteria are signed into the URL. Permissions are checked on every request, because they
may change while a page is open.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messages.accounts.scope import is_limited, visible_instances
from messages.models import Message
from messages.models.functions import CappedCount
from messages.search.criteria import Criteria, Period, View
from messages.search.keyset import before, cursor_of, read_cursor, write_cursor
from messages.search.querysets import MessageQuerySet, Order, message_set

from .filter_links import list_url, query_string

MAX_SHOWN: Final = 99
# After this time an open page is no longer told about new messages: it must be reloaded.
MAX_AGE: Final = 24 * 3600
_NOTHING: Final = "0-0"
_SALT: Final = "statusboard.live"
_ORDER: Final = Order.HEARD.newest_first
Person = User | AnonymousUser


def live_url(criteria: Criteria, rows: Sequence[Message], user: Person) -> str:
    """The URL to poll for the numbers of new and of changed messages.

    It is "" for a search, for a list with an end date and for unconfirmed messages. New stuck
    messages are not counted: a message gets stuck without being new.
    """
    is_closed = criteria.until or criteria.period is Period.YESTERDAY
    if criteria.is_search or is_closed or criteria.view is View.UNCONFIRMED:
        return ""
    asked = {
        "user": user.pk,
        "query": query_string(criteria),
        "after": cursor_of(rows[0], _ORDER) if rows else write_cursor((timezone.now(), 0)),
        "rows": [_state(one.pk, one.rank, one.last_event_at) for one in rows],
    }
    signed = signing.dumps(asked, salt=_SALT, compress=True)
    return reverse("dashboard:live", args=[signed])


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
@never_cache
def live(request: HttpRequest, signed: str) -> HttpResponse:
    """204 if the numbers are zero or already known to the page."""
    asked = _verified(signed, request.user)
    criteria = Criteria.read(QueryDict(asked["query"]))
    number, changed = _numbers(criteria, asked, request.user)
    known = f"{number}-{changed}"
    if known in (_NOTHING, request.GET.get("known")):
        return HttpResponse(status=204)
    context = {
        "number": number,
        "changed": changed,
        "known": known,
        "most": MAX_SHOWN,
        "show_url": list_url(criteria),
    }
    return render(request, "dashboard/_news.html", context)


def _verified(signed: str, user: Person) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = signing.loads(signed, salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        raise Http404 from None
    if asked["user"] != user.pk:
        raise Http404
    return asked


def _numbers(criteria: Criteria, asked: dict[str, Any], user: Person) -> tuple[int, int]:
    """How many messages are new, and how many listed ones have changed; one query."""
    new, before_them = _new(criteria, asked, user), {tuple(one) for one in asked["rows"]}
    listed = Message.objects.filter(pk__in=[pk for pk, *_state in before_them])
    columns = ("pk", "rank", "last_event_at", CappedCount(new, MAX_SHOWN))
    found = list(listed.values_list(*columns))
    changed = sum(_state(*row[:3]) not in before_them for row in found)
    # An empty list has no row that could carry the number.
    number = found[0][-1] if found else len(new.values_list("pk", flat=True)[: MAX_SHOWN + 1])
    return number, changed


def _state(pk: int, rank: int, last_event_at: datetime | None) -> tuple[int, int, int]:
    """What changes with each step of the message, and with each person who reaches it."""
    return pk, rank, int(last_event_at.timestamp()) if last_event_at else 0


def _new(criteria: Criteria, asked: dict[str, Any], user: Person) -> MessageQuerySet:
    newest = read_cursor(asked["after"], Message, _ORDER)
    if not newest:
        raise Http404
    if criteria.view is View.STUCK:
        return message_set().none()
    # Every new message is within the chosen period, so its bound is not needed. With two bounds
    # SQLite would start the index scan at the wrong one.
    of_any_time = criteria.replace(chosen_period=Period.ALL)
    found = of_any_time.narrow(message_set()).filter(before(_ORDER, newest))
    if is_limited(user):
        found = found.of_instances(list(visible_instances(user).values_list("pk", flat=True)))
    return found
