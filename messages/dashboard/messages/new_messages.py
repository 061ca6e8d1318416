"""Counts messages that are newer than an open page, with one small query.

The page's criteria are signed into the URL. Permissions are checked on every request, because they
may change while a page is open.
"""

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
from messages.search.criteria import Criteria, Period, View
from messages.search.keyset import before, cursor_of, read_cursor, write_cursor
from messages.search.querysets import Order, message_set

from .filter_links import list_url, query_string

MAX_SHOWN: Final = 99
# After this time an open page is no longer told about new messages: it must be reloaded.
MAX_AGE: Final = 24 * 3600
_SALT: Final = "statusboard.live"
_ORDER: Final = Order.HEARD.newest_first
Person = User | AnonymousUser


def live_url(criteria: Criteria, newest: Message | None, user: Person) -> str:
    """The URL to poll for the number of new messages.

    It is "" for a search, for a list with an end date and for stuck or unconfirmed messages, which
    do not show that number.
    """
    is_closed = criteria.until or criteria.period is Period.YESTERDAY
    if criteria.is_search or is_closed or criteria.view in (View.STUCK, View.UNCONFIRMED):
        return ""
    asked = {
        "user": user.pk,
        "query": query_string(criteria),
        "after": cursor_of(newest, _ORDER) if newest else write_cursor((timezone.now(), 0)),
    }
    signed = signing.dumps(asked, salt=_SALT, compress=True)
    return reverse("dashboard:live", args=[signed])


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
@never_cache
def live(request: HttpRequest, signed: str) -> HttpResponse:
    """204 if the count is zero or already known to the page."""
    asked = _verified(signed, request.user)
    criteria = Criteria.read(QueryDict(asked["query"]))
    number = _count_new(criteria, asked, request.user)
    if not number or str(number) == request.GET.get("known"):
        return HttpResponse(status=204)
    context = {"number": number, "most": MAX_SHOWN, "show_url": list_url(criteria)}
    return render(request, "dashboard/_news.html", context)


def _verified(signed: str, user: Person) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = signing.loads(signed, salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        raise Http404 from None
    if asked["user"] != user.pk:
        raise Http404
    return asked


def _count_new(criteria: Criteria, asked: dict[str, Any], user: Person) -> int:
    newest = read_cursor(asked["after"], Message, _ORDER)
    if not newest:
        raise Http404
    # Every new message is within the chosen period, so its bound is not needed. With two bounds
    # SQLite would start the index scan at the wrong one.
    of_any_time = criteria.replace(chosen_period=Period.ALL)
    found = of_any_time.narrow(message_set()).filter(before(_ORDER, newest))
    if is_limited(user):
        found = found.of_instances(list(visible_instances(user).values_list("pk", flat=True)))
    return len(found.values_list("pk", flat=True)[: MAX_SHOWN + 1])
