"""The recipient page: all messages to a person or group, under all linked addresses."""

from dataclasses import dataclass
from typing import Final

from django import forms
from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from messages.accounts.audit import audit
from messages.accounts.encrypted_addresses import decrypt_address, encrypt_address
from messages.accounts.masking import masked, sees_phones
from messages.accounts.roles import REVEAL_PHONE
from messages.accounts.scope import Viewer
from messages.dashboard.overview.funnel import percent
from messages.dashboard.privacy.hold_rows import recipient_hold_context
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.moments import Moment, moment
from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.domain.render_context import fixed_render_context
from messages.domain.statuses import Status
from messages.models import Action
from messages.models.functions import reached
from messages.privacy import any_hold, holds_of_recipient
from messages.search.keyset import read_page
from messages.search.matches import aliases_of
from messages.search.querysets import MessageQuerySet, Order, messages_with

from .message_rows import by_day, rows_of

_STEPS: Final = (Status.SENT, Status.RECEIVED, Status.READ)


class RevealForm(forms.Form):
    reason = forms.CharField(
        label=_("Why do you need the full number?"), max_length=200, min_length=3
    )

    def clean_reason(self) -> str:
        """The audit log keeps the reason permanently; erasure does not remove it."""
        reason: str = self.cleaned_data["reason"]
        if phones.contains_number(reason):
            words = _("Do not include a phone number: the reason is kept permanently.")
            raise forms.ValidationError(words)
        return reason


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many messages to the recipient reached a status."""

    status: Status
    label: str | Promise
    count: int
    total: int

    @property
    def share(self) -> str:
        return percent(self.count, self.total)


@dataclass(frozen=True, slots=True)
class Funnel:
    """`of_other_form`: how many messages went to the number with or without the ninth digit."""

    total: int
    of_other_form: int
    steps: tuple[FunnelStep, ...]
    newest: Moment | None


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
def recipient(request: HttpRequest, encrypted: str) -> HttpResponse:
    return _page(request, decrypted(encrypted))


@require_POST
@permission_required(["whatsapp.view_message", REVEAL_PHONE], raise_exception=True)
def recipient_reveal(request: HttpRequest, encrypted: str) -> HttpResponse:
    """Show the full number once; the reason is audited."""
    address = decrypted(encrypted)
    form = RevealForm(request.POST)
    if not form.is_valid():
        return _page(request, address, form=form)
    page = _page(request, address, is_revealed=True)
    reason = {"reason": form.cleaned_data["reason"]}
    audit(request, Action.PHONE_REVEALED, recipient=address, details=reason)
    return page


def recipient_url(address: str) -> str:
    """The URL of the recipient's page, with the address encrypted."""
    return reverse("dashboard:recipient", args=[encrypt_address(address)]) if address else ""


def decrypted(encrypted: str) -> str:
    """Raises Http404."""
    address = decrypt_address(encrypted)
    if address is None:
        raise Http404
    return address


@fixed_render_context()
def _page(
    request: HttpRequest, address: str, *, is_revealed: bool = False, form: forms.Form | None = None
) -> HttpResponse:
    aliases = aliases_of([address], request.user)
    exchanged = messages_with(address, aliases, request.user)
    messages, kind = exchanged.outbound(), phones.kind_of(address)
    # Nothing is reported about a channel after SENT.
    statuses = _STEPS[:1] if kind is AddressKind.CHANNEL else _STEPS
    other_form = next(iter(phones.ninth_digit_forms(address)[1:]), "")
    funnel = _funnel(messages, statuses, other_form)
    if not (funnel.total or exchanged.exists()):
        raise Http404  # also if the viewer of a shared link may not see any of the messages
    exchanged = messages.select_related("instance").annotate(any_hold=any_hold())
    page = read_page(exchanged, request.GET.dict(), Order.HEARD.newest_first)
    rows = rows_of(page.rows, request.user)
    path = recipient_url(address)
    people = [Address(alias) for alias in dict.fromkeys(map(phones.person_key, aliases))]
    context = {
        "address": Address(address),
        "kind": kind,
        "revealed": phones.display(address) if is_revealed else "",
        "aliases": [one for one in people if one.kind is not kind],
        "other_numbers": [one for one in people if one.kind is kind],
        "other_form": Address(other_form) if funnel.of_other_form else None,
        "funnel": funnel,
        "rows": rows,
        "days": by_day(rows),
        "form": form or RevealForm(),
        "reveal_url": reverse("dashboard:recipient-reveal", args=[encrypt_address(address)]),
        "can_reveal": not is_revealed and _is_hidden(address) and _may_reveal(request.user),
        "older_url": page.older and f"{path}?older={page.older}",
        "newer_url": page.newer and f"{path}?newer={page.newer}",
    }
    is_any_held = getattr(page.rows[0], "any_hold", True) if page.rows else True
    holds = holds_of_recipient(address) if is_any_held else ()
    context |= recipient_hold_context(holds, request.user, address)
    return render(request, "dashboard/recipient.html", context)


def has_messages(address: str, user: Viewer) -> bool:
    """Whether `user` may see a message to any address of this recipient."""
    return messages_with(address, aliases_of([address], user), user).exists()


def _funnel(messages: MessageQuerySet, statuses: tuple[Status, ...], other_form: str) -> Funnel:
    found = messages.aggregate(
        total=Count("pk"),
        failed=Count("pk", filter=reached(Status.FAILED)),
        newest=Max("started_at"),
        of_other_form=Count("pk", filter=Q(phone=other_form)),
        **{one.name: Count("pk", filter=reached(one)) for one in statuses},
    )
    total = found["total"]
    steps = [FunnelStep(one, one.label, found[one.name], total) for one in statuses if total]
    if found["failed"]:
        label = pgettext_lazy("messages", "Failed")
        steps.append(FunnelStep(Status.FAILED, label, found["failed"], total))
    return Funnel(total, found["of_other_form"], tuple(steps), moment(found["newest"]))


def _is_hidden(address: str) -> bool:
    """Whether the page masks the address. A group or a LID is no phone number."""
    is_other = phones.kind_of(address) in {AddressKind.GROUP, AddressKind.LID}
    return not is_other and masked(address) != address


def _may_reveal(user: Viewer) -> bool:
    return not sees_phones(user) and user.has_perm(REVEAL_PHONE)
