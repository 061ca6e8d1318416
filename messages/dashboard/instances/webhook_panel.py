"""The webhook panel of an instance's page: its steps and problems."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messages.dashboard.shared.badges import Badge
from messages.dashboard.shared.moments import Moment, moment
from messages.domain.problems import Problem
from messages.instances.callback_filters import filtered_webhooks
from messages.instances.first_callbacks import has_unprocessed_callbacks
from messages.instances.rotation import has_old_keys
from messages.instances.sync import FAILURES, client_of, is_taken, used_kinds
from messages.instances.webhook_urls import webhook_url, why_push_is_off
from messages.models import Instance, Webhook, WebhookState

from .instance_rows import webhook_badge

# A worker starts a push within a second. If a push has not started after this time, no worker is
# running.
WORKER_MISSING_AFTER: Final = timedelta(seconds=20)


class Mark(StrEnum):
    """The state of a step. The value is the CSS class."""

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
class WebhookLine:
    """The state of one of the webhooks. `panel_name` is its name in Z-API's panel, if known."""

    webhook: Webhook
    badge: Badge
    words: str
    heard: Moment | None
    panel_name: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The URL that Z-API calls instead of ours; `as_of` is set if Z-API is unreachable now."""

    webhook: Webhook
    as_of: Moment | None


@dataclass(frozen=True, slots=True)
class Steps:
    """The part of the page that is updated while a push is running."""

    steps: tuple[PanelStep, ...]
    lines: tuple[WebhookLine, ...]
    next_try: str
    is_pushing: bool
    is_waiting: bool

    @property
    def digest(self) -> str:
        """A hash of everything shown except relative times."""
        shown = [(step.name, step.mark, step.words) for step in self.steps]
        lines = [(line.badge.words, line.words, bool(line.heard)) for line in self.lines]
        text = f"{shown}{lines}{self.next_try}{self.is_pushing}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel. Its URLs contain secrets: show it only to people who may change the instance."""

    url: str
    progress: Steps
    why_off: Problem | None
    # `questions`: URLs of other systems, which a person must decide about. `drifted`: other URLs
    # that differ from ours.
    questions: tuple[Found, ...]
    drifted: tuple[Found, ...]
    replaced: tuple[Webhook, ...]
    filtered: tuple[str, ...]
    has_old_keys: bool
    # Why Z-API cannot be called, or ''.
    unreadable: str
    was_pushed: bool

    @property
    def push_words(self) -> str:
        return _("Push again") if self.was_pushed else _("Push to Z-API")


def panel(instance: Instance) -> Panel:
    webhooks = _webhooks(instance)
    wanted = [webhook for webhook in webhooks if webhook.is_wanted]
    differing = [_found(one) for one in wanted if _differs(one, webhook_url(instance))]
    return Panel(
        url=webhook_url(instance),
        progress=steps(instance),
        why_off=why_push_is_off(),
        questions=tuple(one for one in differing if is_taken(one.webhook)),
        drifted=tuple(one for one in differing if not is_taken(one.webhook)),
        replaced=tuple(one for one in webhooks if one.previous_url),
        filtered=tuple(
            str(one.get_kind_display()) for one in filtered_webhooks(instance, webhooks)
        ),
        has_old_keys=has_old_keys(instance),
        unreadable=_unreadable(instance),
        was_pushed=any(one.pushed_at for one in webhooks),
    )


def steps(instance: Instance) -> Steps:
    webhooks = _webhooks(instance)
    main, url = webhooks[0], webhook_url(instance)
    now = timezone.now()
    waits = [one.retry_at for one in webhooks if one.retry_at]
    is_pushing = any(map(_is_asked, webhooks))
    return Steps(
        steps=(
            _saved(instance),
            _pushed(main, url),
            _read_back(main, url),
            _first_callback_step(main, webhooks),
        ),
        lines=(_main_line(main), *map(_line, webhooks[1:])),
        next_try=_next_try(min(waits)) if waits and not is_pushing else _missing(webhooks, now),
        is_pushing=is_pushing,
        is_waiting=bool(waits) or (main.state == WebhookState.IN_SYNC and not main.heard_at),
    )


def _differs(webhook: Webhook, url: str) -> bool:
    """Whether the URL differed at the last successful check, also if Z-API is unreachable now."""
    if webhook.state != WebhookState.UNREACHABLE:
        return webhook.state == WebhookState.DIFFERS
    read, pushed = webhook.checked_at, webhook.pushed_at
    was_pushed_since = bool(read and pushed and webhook.pushed_url == url and pushed > read)
    return bool(read) and webhook.found_url != url and not was_pushed_since


def _found(webhook: Webhook) -> Found:
    is_away = webhook.state == WebhookState.UNREACHABLE
    return Found(webhook, moment(webhook.checked_at) if is_away else None)


def _unreadable(instance: Instance) -> str:
    try:
        client_of(instance)
    except FAILURES as error:
        return str(error)
    return ""


def _webhooks(instance: Instance) -> list[Webhook]:
    """Return one webhook of each kind, in order.

    For a kind that is not stored, it is a new, unsaved webhook.
    """
    known = {webhook.kind: webhook for webhook in instance.webhooks.all()}
    return [known.get(kind) or Webhook(instance=instance, kind=kind) for kind in used_kinds(known)]


def _next_try(retry_at: datetime) -> str:
    if retry_at <= timezone.now():
        return _("Next automatic try: any moment now.")
    return _("Next automatic try: %s.") % Moment(retry_at).exact


def _missing(webhooks: list[Webhook], now: datetime) -> str:
    asked = [one.asked_at for one in webhooks if one.asked_at and _is_asked(one)]
    if asked and now - min(asked) > WORKER_MISSING_AFTER:
        return _("Not started: no worker is running.")
    return ""


def _saved(instance: Instance) -> PanelStep:
    words = _("Tokens are stored encrypted.")
    return PanelStep(_("Saved"), Mark.DONE, words, moment(instance.created_at))


def _pushed(webhook: Webhook, url: str) -> PanelStep:
    name = _("Pushed to Z-API")
    was_pushed = webhook.pushed_url == url
    accepted = _("Z-API accepted the URL.")
    if was_pushed and not _is_older(webhook.pushed_at, webhook.asked_at):
        return PanelStep(name, Mark.DONE, accepted, moment(webhook.pushed_at))
    # An earlier push says nothing about the requested one.
    if _is_asked(webhook):
        return PanelStep(name, Mark.WAITING, _progress_of(webhook), moment(webhook.asked_at))
    if webhook.problem and webhook.state != WebhookState.DIFFERS:
        return PanelStep(name, Mark.FAILED, webhook.problem_text, moment(webhook.tried_at))
    if was_pushed:
        return PanelStep(name, Mark.DONE, accepted, moment(webhook.pushed_at))
    if webhook.state == WebhookState.IN_SYNC and webhook.found_url == url:
        return PanelStep(name, Mark.DONE, _("The URL was set by hand in Z-API’s panel."))
    return PanelStep(name, Mark.WAITING, _why_not_pushed(webhook))


def _why_not_pushed(webhook: Webhook) -> str:
    if not webhook.is_wanted:
        return _("Left unchanged.")
    if webhook.pushed_url:
        return _("The URL has changed. Push again.")
    return _("Not pushed yet.")


def _progress_of(webhook: Webhook) -> str:
    """Return the progress of a queued push. A worker that runs it moves `retry_at` ahead."""
    is_queued = webhook.retry_at is None or webhook.retry_at <= timezone.now()
    return _("Queued. The worker will push it shortly.") if is_queued else _("Updating Z-API…")


def _is_older(moment: datetime | None, than: datetime | None) -> bool:
    return bool(moment and than and moment < than)


def _is_asked(webhook: Webhook) -> bool:
    """Whether a push was requested and has not been tried yet."""
    return bool(webhook.retry_at and not webhook.tries)


def _read_back(webhook: Webhook, url: str) -> PanelStep:
    name, at = _("Checked at Z-API"), moment(webhook.checked_at)
    if _is_asked(webhook):
        return PanelStep(name, Mark.WAITING, _("Not checked yet."))
    if webhook.state == WebhookState.IN_SYNC and webhook.found_url == url:
        return PanelStep(name, Mark.DONE, _("Z-API calls this URL."), at)
    if webhook.state == WebhookState.DIFFERS:
        words = _problem_of(webhook) or _("Z-API calls another URL.")
        return PanelStep(name, Mark.FAILED, words, at)
    if webhook.state == WebhookState.UNREACHABLE and webhook.pushed_url == url:
        return PanelStep(name, Mark.FAILED, webhook.problem_text, moment(webhook.tried_at))
    return PanelStep(name, Mark.WAITING, _("Not checked yet."))


def _first_callback_step(webhook: Webhook, webhooks: list[Webhook]) -> PanelStep:
    """The last step: a callback proves that the webhook works.

    Callbacks to the other webhooks, or to an earlier URL, do not prove that.
    """
    name = _("First message status")
    if webhook.heard_at:
        at = moment(webhook.heard_at)
        return PanelStep(name, Mark.DONE, _("Z-API has called Statusboard."), at)
    if has_unprocessed_callbacks(webhook):
        words = _("Callbacks have arrived. The worker has not processed them yet.")
    elif heard := [(one.heard_at, one) for one in webhooks if one.heard_at]:
        since, first = min(heard, key=lambda item: item[0])
        words = _(
            "Callbacks arrive (%(webhook)s since %(time)s). No message status has arrived at this "
            "URL yet: send a message from this number to test it."
        ) % {"webhook": first.get_kind_display(), "time": Moment(since).in_sentence}
    else:
        words = _(
            "No message status has arrived at this URL yet: send a message from this number to "
            "test it."
        )
    return PanelStep(name, Mark.WAITING, words)


def _problem_of(webhook: Webhook) -> str:
    """The problem's text; the general one of URL_TAKEN leads to this page."""
    if webhook.problem == Problem.URL_TAKEN:
        return _("Used by another system: Z-API calls its URL, so no callbacks arrive here.")
    return webhook.problem_text


def _main_line(webhook: Webhook) -> WebhookLine:
    """The steps say already what is wrong with it."""
    return replace(_line(webhook), words="", panel_name=_("Receive message status"))


def _line(webhook: Webhook) -> WebhookLine:
    words = _problem_of(webhook) or (_("Left unchanged.") if webhook.wanted is False else "")
    badge = webhook_badge(webhook)
    if _is_asked(webhook):
        badge = Badge("plain", "clock", _("Waiting"))
    elif webhook.wanted is None and not webhook.is_wanted:
        badge = Badge("plain", "clock", _("Decided on first push"))
    return WebhookLine(webhook, badge, words, moment(webhook.heard_at))
