"""How many messages are new since a page was drawn, at the price of one small query.

The page seals what it asks for into the address to be asked. Who may see what is not sealed: a page
can stay open for a day, and its reader's role and limits may change meanwhile.
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
from messages.search.keyset import Cursor
from messages.search.querysets import message_set

from .filter_links import address_of, encoded

# Beyond it "99+" says enough.
MAX_SHOWN: Final = 99
# A page left open longer than that asks in vain, and says no more.
MAX_AGE: Final = 24 * 3600
_SALT: Final = "statusboard.live"
Person = User | AnonymousUser


def live_url(criteria: Criteria, newest: Message | None, user: Person) -> str:
    """Where to ask; '' where there is nothing to wait for: in a search, or among stuck messages."""
    if criteria.search or criteria.until or criteria.view is View.STUCK:
        return ""
    asked = {
        "user": user.pk,
        "query": encoded(criteria),
        "after": str(Cursor.of(newest) if newest else Cursor(timezone.now(), 0)),
    }
    sealed = signing.dumps(asked, salt=_SALT, compress=True)
    return reverse("dashboard:live", args=[sealed])


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
@never_cache
def live(request: HttpRequest, sealed: str) -> HttpResponse:
    """204 while there is nothing to say that was not said already."""
    asked = _opened(sealed, request.user)
    criteria = Criteria.read(QueryDict(asked["query"]))
    number = _new(criteria, asked, request.user)
    if not number or str(number) == request.GET.get("known"):
        return HttpResponse(status=204)
    context = {"number": number, "most": MAX_SHOWN, "show_url": address_of(criteria)}
    return render(request, "dashboard/_news.html", context)


def _opened(sealed: str, user: Person) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = signing.loads(sealed, salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        raise Http404 from None
    if asked["user"] != user.pk:
        raise Http404
    return asked


def _new(criteria: Criteria, asked: dict[str, Any], user: Person) -> int:
    after = Cursor.read(asked["after"])
    if after is None:
        raise Http404
    # What came since is within any period; of two bounds SQLite would begin at the farther one.
    of_any_time = criteria.replace(chosen_period=Period.ALL)
    found = of_any_time.narrow(message_set()).newer_than(after.moment, after.pk)
    if is_limited(user):
        found = found.of_instances(list(visible_instances(user).values_list("pk", flat=True)))
    return len(found.values_list("pk", flat=True)[: MAX_SHOWN + 1])
