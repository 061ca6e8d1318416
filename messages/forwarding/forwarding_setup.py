"""Turn forwarding on and off, and report its state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.instances.webhook_urls import is_ours
from messages.models import (
    Forward,
    ForwardLine,
    Instance,
    OtherKind,
    Webhook,
    WebhookKind,
    WebhookState,
)
from messages.models.forward import ForwardQuerySet
from messages.net import UnsafeUrlError, parse_url

# Larger numbers are shown as "1000+", because counting them takes longer and does not help.
COUNTED = 1000
MAX_LINES = 50


def webhook_of(instance: Instance, kind: str) -> Webhook:
    """Return the instance's webhook of this kind. If there is none, return a new, unsaved one."""
    known = next((one for one in instance.webhooks.all() if one.kind == kind), None)
    if known:
        return known
    if kind in WebhookKind.values:
        return Webhook(instance=instance, kind=kind)
    return Webhook(instance=instance, kind=kind, wanted=False, state=WebhookState.OFF)


def kinds_of(instance: Instance) -> tuple[str, ...]:
    """Return all kinds of webhook, including unknown ones that this instance has."""
    known = (*WebhookKind.values, *OtherKind.values)
    own = {*instance.taken_urls, *(one.kind for one in instance.webhooks.all())}
    return (*known, *sorted(own.difference(known)))


@transaction.atomic
def forward_all(instance: Instance, urls: Mapping[str, str]) -> None:
    """Forward each kind to its URL, all or none. Raises ValidationError."""
    for kind, url in urls.items():
        set_forwarding(webhook_of(instance, kind), url)


def set_forwarding(webhook: Webhook, url: str, *, forwards_token: bool = False) -> None:
    """Forward the webhook's callbacks to `url`, or turn forwarding off if it is ''.

    Waiting callbacks go to the new URL; turning off deletes them. Raises ValidationError. The host
    name is resolved and checked only when a callback is sent.
    """
    url = url.strip()
    if url:
        _require_usable(url)
    with transaction.atomic():
        if webhook.pk is None:
            webhook.save()
        if not (url and webhook.forward_to):
            Forward.objects.filter(webhook=webhook).delete()
        webhook.forward_to, webhook.forwards_token = url, bool(url) and forwards_token
        webhook.save(update_fields=["forward_to", "forwards_token"])
        ForwardLine.objects.update_or_create(
            webhook=webhook,
            defaults={
                "next_try_at": timezone.now(),
                "tries": 0,
                "failing_since": None,
                "problem": "",
                "status": None,
            },
        )


def retry_failed(webhook: Webhook) -> int:
    """Queue the failed callbacks again, and return their number."""
    return Forward.objects.filter(webhook=webhook).put_back()


def _require_usable(url: str) -> None:
    longest = Webhook._meta.get_field("forward_to").max_length
    if longest and len(url) > longest:
        raise ValidationError(_("The URL is longer than %d characters.") % longest)
    try:
        parse_url(url, allow_private=settings.FORWARD_ALLOW_PRIVATE)
    except UnsafeUrlError as error:
        raise ValidationError(str(error.message)) from None
    if is_ours(url):
        raise ValidationError(_("This is Statusboard’s own webhook: that would be a loop."))


@dataclass(frozen=True, slots=True)
class Forwarding:
    """The forwarding state of a webhook. COUNTED + 1 means "more than COUNTED"."""

    webhook: Webhook
    line: ForwardLine | None
    waiting: int
    oldest: datetime | None
    given_up: int


def forwarding_state(instance: Instance) -> Sequence[Forwarding]:
    """Return the state of each webhook that forwards."""
    webhooks = instance.webhooks.exclude(forward_to="").select_related("forward_line")
    return [_state(webhook) for webhook in webhooks.order_by("kind")]


def busy_lines(instances: QuerySet[Instance]) -> Sequence[Forwarding]:
    """Return the state of the first MAX_LINES webhooks with waiting or failed callbacks."""
    anything = Forward.objects.filter(webhook=OuterRef("pk"))
    webhooks = Webhook.objects.filter(Exists(anything), instance__in=instances)
    known = webhooks.select_related("instance", "forward_line")
    return [_state(webhook) for webhook in known.order_by("instance__name", "kind")[:MAX_LINES]]


def _state(webhook: Webhook) -> Forwarding:
    waiting = Forward.objects.waiting().filter(webhook=webhook)
    head = waiting.in_order().values_list("waiting_since", flat=True).first()
    return Forwarding(
        webhook=webhook,
        line=getattr(webhook, "forward_line", None),
        waiting=_count(waiting) if head else 0,
        oldest=head,
        given_up=_count(Forward.objects.given_up().filter(webhook=webhook)),
    )


def _count(forwards: ForwardQuerySet) -> int:
    return forwards[: COUNTED + 1].count()
