"""How far an instance's webhook has come, in four steps and in words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.instances.addresses import webhook_url, why_push_is_off
from messages.models import Instance, Webhook, WebhookKind, WebhookState

from ..moments import Moment, moment


class Mark(StrEnum):
    """The value is the CSS class, and `icon` the symbol that goes with it."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"

    @property
    def icon(self) -> str:
        return {Mark.DONE: "ok", Mark.FAILED: "failed", Mark.WAITING: "clock"}[self]

    @property
    def label(self) -> Promise:
        return _MARKS[self]


_MARKS = {
    Mark.DONE: gettext_lazy("done"),
    Mark.FAILED: gettext_lazy("failed"),
    Mark.WAITING: gettext_lazy("waiting"),
}


@dataclass(frozen=True, slots=True)
class PanelStep:
    name: str
    mark: Mark
    words: str
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """`url` and the other URLs hold secrets: they are for those who may change the instance."""

    url: str
    steps: tuple[PanelStep, ...]
    why_off: Promise | None
    found_url: str
    previous_url: str
    next_try: str


def panel(instance: Instance) -> Panel:
    found = instance.webhooks.filter(kind=WebhookKind.MESSAGE_STATUS).first()
    webhook = found or Webhook(instance=instance)
    url = webhook_url(instance)
    return Panel(
        url=url,
        steps=(
            _saved(instance),
            _pushed(webhook, url),
            _read_back(webhook, url),
            _heard(instance),
        ),
        why_off=why_push_is_off(),
        found_url=webhook.found_url if webhook.state == WebhookState.DIFFERS else "",
        previous_url=webhook.previous_url,
        next_try=_next_try(webhook),
    )


def _next_try(webhook: Webhook) -> str:
    if webhook.retry_at is None:
        return ""
    if webhook.retry_at <= timezone.now():
        return _("Tries again by itself any moment now.")
    return _("Tries again by itself at %s.") % Moment(webhook.retry_at).exact


def _saved(instance: Instance) -> PanelStep:
    words = _("Its secrets are stored encrypted.")
    return PanelStep(_("Saved"), Mark.DONE, words, moment(instance.created_at))


def _pushed(webhook: Webhook, url: str) -> PanelStep:
    name = _("Pushed to Z-API")
    if webhook.pushed_url == url:
        return PanelStep(name, Mark.DONE, _("Z-API accepted the URL."), moment(webhook.pushed_at))
    if webhook.state == WebhookState.IN_SYNC and webhook.found_url == url:
        return PanelStep(name, Mark.DONE, _("The URL was set by hand in Z-API's panel."))
    if webhook.problem and webhook.state != WebhookState.DIFFERS:
        return PanelStep(name, Mark.FAILED, webhook.words)
    if webhook.pushed_url:
        return PanelStep(name, Mark.WAITING, _("The URL has changed since. Push it again."))
    return PanelStep(name, Mark.WAITING, _("Not pushed yet."))


def _read_back(webhook: Webhook, url: str) -> PanelStep:
    name, at = _("Read back from Z-API"), moment(webhook.checked_at)
    if webhook.state == WebhookState.IN_SYNC and webhook.found_url == url:
        return PanelStep(name, Mark.DONE, _("Z-API calls this URL."), at)
    if webhook.state == WebhookState.DIFFERS:
        words = webhook.words or _("Z-API calls another URL.")
        return PanelStep(name, Mark.FAILED, words, at)
    if webhook.state == WebhookState.UNREACHABLE and webhook.pushed_url == url:
        return PanelStep(name, Mark.FAILED, webhook.words, at)
    return PanelStep(name, Mark.WAITING, _("Not read back yet."))


def _heard(instance: Instance) -> PanelStep:
    """A callback proves more than anything that Z-API says of itself."""
    name, at = _("First real callback"), _first_heard_at(instance)
    if at is None:
        words = _("Nothing heard yet. Send a message through this number: its status comes here.")
        return PanelStep(name, Mark.WAITING, words)
    return PanelStep(name, Mark.DONE, _("Z-API has reached this board."), moment(at))


def _first_heard_at(instance: Instance) -> datetime | None:
    return instance.callbacks.order_by("received_at").values_list("received_at", flat=True).first()
