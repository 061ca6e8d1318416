"""Quarantined callbacks: view, reprocess and discard them."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from messages.accounts.audit import audit
from messages.accounts.foreign_callbacks import hide_foreign
from messages.accounts.masking import as_seen_by, sees_phones
from messages.accounts.scope import limited_to, visible_instances
from messages.dashboard.messages.filter_links import Link
from messages.dashboard.shared.moments import Moment
from messages.ingest import ReplayResult, discard, replay
from messages.models import Action, Callback, CallbackQuerySet, Instance, Outcome

from .quarantine_rows import Row, quarantine_page

VIEW: Final = "whatsapp.view_callback"
CHANGE: Final = "whatsapp.change_callback"
# The limit of one click. For thousands there is `manage.py reprocess`.
MAX_SELECTED: Final = 500


@require_safe
@permission_required(VIEW, raise_exception=True)
def quarantine_list(request: HttpRequest) -> HttpResponse:
    instances = list(visible_instances(request.user))
    selected = _instance(request.GET.get("instance"), instances)
    quarantined = limited_to(request.user, Callback.objects.quarantined())
    if selected:
        quarantined = quarantined.filter(instance=selected)
    page = quarantine_page(quarantined, request.GET.dict())
    hide_foreign(request.user, page.rows)
    as_seen_by(request.user, page.rows)
    context: dict[str, Any] = {
        "rows": list(map(Row, page.rows)),
        "instance": selected,
        "instance_links": [
            Link(one.name, _url(instance=None if one == selected else one.pk), one == selected)
            for one in instances
        ],
        "everywhere_url": _url(),
        "older_url": page.older and _url(instance=selected and selected.pk, older=page.older),
        "newer_url": page.newer and _url(instance=selected and selected.pk, newer=page.newer),
        "may_act": request.user.has_perm(CHANGE),
        "sees_bodies": sees_phones(request.user),
        "most": MAX_SELECTED,
    }
    return render(request, "dashboard/quarantine/list.html", context)


@require_safe
@permission_required(VIEW, raise_exception=True)
def quarantine_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    callbacks = Callback.objects.filter(outcome__in=(Outcome.QUARANTINED, Outcome.DISCARDED))
    visible = limited_to(request.user, callbacks.select_related("instance"))
    callback = get_object_or_404(visible, pk=pk)
    hide_foreign(request.user, [callback])
    as_seen_by(request.user, [callback])
    context = {
        "callback": callback,
        "received": Moment(callback.received_at),
        "is_quarantined": callback.outcome == Outcome.QUARANTINED,
        "may_act": request.user.has_perm(CHANGE),
        "sees_bodies": sees_phones(request.user),
    }
    return render(request, "dashboard/quarantine/detail.html", context)


@permission_required(CHANGE, raise_exception=True)
@require_POST
def quarantine_reprocess(request: HttpRequest) -> HttpResponse:
    selected = _selected(request)
    if not selected:
        return _nothing_selected(request)
    settled = left = 0
    for instance, callbacks in selected.items():
        result = replay(_callbacks(callbacks))
        audit(request, Action.REPLAYED, about=instance, details=_counts(result))
        settled += result.tried - result.outcomes[Outcome.QUARANTINED]
        left += result.left
    _flash_result(request, settled, left)
    return redirect(_url(instance=_only_instance(selected)))


@permission_required(CHANGE, raise_exception=True)
@require_POST
def quarantine_discard(request: HttpRequest) -> HttpResponse:
    """Ask for confirmation; with `confirmed`, discard the callbacks named in the question."""
    selected = _selected(request)
    if not selected:
        return _nothing_selected(request)
    if "confirmed" not in request.POST:
        context = {
            "selected": [(one, len(callbacks)) for one, callbacks in selected.items()],
            "callbacks": [pk for callbacks in selected.values() for pk in callbacks],
            "back_url": _url(instance=_only_instance(selected)),
        }
        return render(request, "dashboard/quarantine/discard.html", context)
    discarded = 0
    for instance, callbacks in selected.items():
        number = discard(_callbacks(callbacks))
        audit(request, Action.DISCARDED, about=instance, details={"callbacks": number})
        discarded += number
    message = ngettext(
        "%(number)d callback was discarded.", "%(number)d callbacks were discarded.", discarded
    )
    flash.success(request, message % {"number": discarded})
    return redirect(_url(instance=_only_instance(selected)))


def _selected(request: HttpRequest) -> dict[Instance, list[UUID]]:
    """The callbacks to act on.

    Those selected as `callback`, or the newest ones of the instance in `all`.
    """
    quarantined = limited_to(request.user, Callback.objects.quarantined())
    if everything := request.POST.get("all", ""):
        instance = _instance(everything, visible_instances(request.user))
        quarantined = quarantined.filter(instance=instance) if instance else quarantined.none()
    else:
        ids = filter(None, map(_as_id, request.POST.getlist("callback")))
        quarantined = quarantined.filter(pk__in=list(ids)[:MAX_SELECTED])
    found: dict[Instance, list[UUID]] = defaultdict(list)
    for callback in (
        quarantined.select_related("instance").defer("body").order_by("-pk")[:MAX_SELECTED]
    ):
        found[callback.instance].append(callback.pk)
    return found


def _as_id(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None


def _instance(pk: str | None, instances: Iterable[Instance]) -> Instance | None:
    return next((one for one in instances if str(one.pk) == pk), None)


def _callbacks(ids: list[UUID]) -> CallbackQuerySet:
    return Callback.objects.filter(pk__in=ids)


def _only_instance(selected: dict[Instance, list[UUID]]) -> int | None:
    """The instance to return to, if there is only one."""
    return next(iter(selected)).pk if len(selected) == 1 else None


def _counts(result: ReplayResult) -> dict[str, int]:
    return {**result.outcomes, "without body": result.without_body}


def _flash_result(request: HttpRequest, settled: int, left: int) -> None:
    if settled:
        message = ngettext(
            "%(number)d callback was parsed and applied.",
            "%(number)d callbacks were parsed and applied.",
            settled,
        )
        flash.success(request, message % {"number": settled})
    if left:
        message = ngettext(
            "%(number)d callback still cannot be parsed.",
            "%(number)d callbacks still cannot be parsed.",
            left,
        )
        flash.warning(request, message % {"number": left})


def _nothing_selected(request: HttpRequest) -> HttpResponse:
    flash.warning(request, _("Select at least one rejected callback."))
    return redirect(_url())


def _url(**query: object) -> str:
    path, given = reverse("dashboard:quarantine"), {k: v for k, v in query.items() if v}
    return f"{path}?{urlencode(given)}" if given else path
