"""Template tags, one per visual element: `{% load board %}`.

They are Python functions, because a list renders hundreds of them, and {% include %} is ten times
slower.
"""

from datetime import datetime
from functools import cache, lru_cache
from html import escape

from django.template import Context, Library
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from messages.accounts.browser_names import browser_name
from messages.accounts.masking import mask_text, sees_phones
from messages.dashboard.incidents.incident_rows import IncidentRow
from messages.dashboard.messages.filter_links import Link
from messages.dashboard.messages.message_rows import Row
from messages.dashboard.messages.mini_timeline import MiniTimeline, Tick
from messages.dashboard.messages.timeline import Headline
from messages.dashboard.shared.address_display import Address
from messages.dashboard.shared.badges import Badge
from messages.dashboard.shared.moments import Moment
from messages.domain import render_context
from messages.domain.addresses import AddressKind
from messages.domain.statuses import Status
from messages.forwarding import COUNTED
from messages.models import Label

register = Library()

# Longer text may be cut off, so it is also the title.
MAX_BADGE_LENGTH = 24
_TICK_DISTANCE = 22
_NOTHING = mark_safe("")
_DASH = mark_safe('<span class="none">–</span>')


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """An icon of templates/_icons.svg."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#icon-{}"/></svg>', name)


@register.simple_tag
def status_badge(headline: Headline) -> SafeString:
    # Z-API's texts may contain personal data, so they are not cached.
    is_ours = headline.status not in {Status.FAILED, Status.UNKNOWN}
    return (_badge if is_ours else _badge.__wrapped__)(headline)


@register.simple_tag
def instance_badge(badge: Badge) -> SafeString:
    return _instance_badge(badge.tone, badge.icon, str(badge.words))


# Z-API's words about a payment are among the texts, but no personal data.
@lru_cache(maxsize=512)
def _instance_badge(tone: str, name: str, words: str) -> SafeString:
    return format_html('<span class="badge {}">{}{}</span>', tone, icon(name), words)


@register.simple_tag
def menu_item(link: Link) -> SafeString:
    """An item of a menu of filters."""
    current = ' aria-current="true"' if link.is_current else ""
    check = f'<span class="check">{icon("sent")}</span>' if link.is_current else ""
    dot = f'<span class="dot {link.icon}">{icon(link.icon)}</span>' if link.icon else ""
    # No format_html here, for the reason given in moment().
    return mark_safe(  # noqa: S308
        f'<li><a class="menu-item" href="{escape(link.url)}"{current}>{dot}'
        f"{escape(str(link.label))}{check}</a></li>"
    )


@register.simple_tag
def failure_reason(headline: Headline) -> SafeString:
    """Why a message failed, with Z-API's own text on hover; empty for other statuses."""
    if not headline.reason:
        return _NOTHING
    title = format_html(' title="{}"', headline.raw) if headline.raw != headline.reason else ""
    return format_html('<span class="reason"{}>{}</span>', title, headline.reason)


@lru_cache(maxsize=512)
def _badge(headline: Headline) -> SafeString:
    name, words = headline.status.icon, headline.words
    hover = words if len(words) > MAX_BADGE_LENGTH else ""
    title = format_html(' title="{}"', hover) if hover else ""
    return format_html(
        '<span class="badge {}">{}<span class="badge-words"{}>{}</span></span>',
        *(name, icon(name), title, words),
    )


@register.simple_tag(takes_context=True)
def words(context: Context, text: str) -> str:
    """Free text; numbers in it are masked for viewers who may not see them."""
    return text if sees_phones(context["user"]) else mask_text(text)


@register.simple_tag
def capped(number: int) -> str:
    """A count with a maximum: "1,000+" above messages.forwarding.COUNTED."""
    shown = number_format(min(number, COUNTED), force_grouping=True)
    return f"{shown}+" if number > COUNTED else shown


@register.simple_tag
def moment(shown: Moment | None, words: str = "") -> SafeString:
    """A time as lists show it, or `words`, with the exact time on hover and for screen readers.

    A dash for None.
    """
    if not shown:
        return _DASH
    iso, exact = shown.iso_and_exact
    # format_html would double the rendering time, and a list has 200 of these.
    return mark_safe(  # noqa: S308
        f'<time datetime="{iso}" title="{escape(exact)}">'
        f'<span aria-hidden="true">{escape(words or shown.listed)}</span>'
        f'<span class="visually-hidden">{escape(exact)}</span></time>'
    )


@register.filter
def as_moment(value: datetime) -> Moment:
    """Wrap a datetime as a Moment, for templates whose rows have datetimes."""
    return Moment(value)


@register.filter
def browser(user_agent: str) -> str:
    return browser_name(user_agent)


@register.simple_tag
def mini_timeline(shown: MiniTimeline) -> SafeString:
    """The ticks of a row, with the exact times on hover and for screen readers."""
    if not shown.ticks:
        return _NOTHING
    marks = _marks(shown.ticks)
    return mark_safe(  # noqa: S308
        f'<svg class="ticks" viewBox="3 0 76 16" role="img"><title>{escape(shown.description)}'
        f"</title>{marks}</svg>"
    )


# A list has few different ones.
@lru_cache(maxsize=512)
def _marks(ticks: tuple[Tick, ...]) -> SafeString:
    uses = (
        (tick.mark, tick.status.icon, place * _TICK_DISTANCE) for place, tick in enumerate(ticks)
    )
    return format_html_join("", '<use href="#tick-{}" class="{}" x="{}"/>', uses)


@register.simple_tag(takes_context=True)
def message_row(context: Context, row: Row, *, by_listed_time: bool = False) -> SafeString:
    """A row of a list of messages. As a template, 50 rows took 15 ms longer.

    `by_listed_time`: show the time by which the list is sorted, not the sending time.
    """
    shown = row.listed if by_listed_time else row.started
    words = row.listed.clock if by_listed_time else row.started_words
    label = _label(row.label) if row.label else ""
    # No format_html here, for the reason given in moment().
    return mark_safe(  # noqa: S308
        f'<tr>\n<td class="who"><a class="row-link" href="{row.url}">{label}'
        f'<span title="{escape(row.message.zapi_id)}">{address(context, row.address)}</span></a>'
        f'</td>\n<td class="where">{escape(row.message.instance.name)}</td>\n'
        f'<td class="state">{status_badge(row.headline)}</td>\n'
        f'<td class="marks">{mini_timeline(row.timeline)}</td>\n'
        f'<td class="story">{_story(row)}</td>\n'
        f'<td class="when">{moment(shown, words)}</td>\n</tr>\n'
    )


def _label(label: Label) -> SafeString:
    return format_html(
        '<strong title="{} {}">{}</strong>', label.label, label.reference, str(label)
    )


def _story(row: Row) -> str:
    """Why it failed or is stuck, else how long the steps took; and what else is unusual."""
    parts: list[str] = [failure_reason(row.headline)]
    if row.stuck_for:
        values = {"start": row.started.in_sentence, "why": row.why_waiting}
        why = _("since %(start)s: %(why)s") % values
        parts += [
            stuck(row.stuck_for, row.why_stuck),
            format_html('<span class="soft">{}</span>', why),
        ]
    elif durations := row.timeline.durations:
        parts.append(f"<span>{durations}</span>")
    if row.response_words:
        parts.append(_inbound_tag(row.response_words))
    if row.headline.contradicted:
        parts.append(contradiction())
    if row.message.inbound:
        parts.append(_inbound_tag(_("Inbound")))
    return "\n".join(filter(None, parts))


def _inbound_tag(words: str) -> SafeString:
    return format_html('<span class="tag">{}{}</span>', icon("inbound"), words)


@register.simple_tag
def stuck(length: str, why: IncidentRow | None = None) -> SafeString:
    """That a message is stuck for `length`, in words, with the cause on hover."""
    title = format_html(' title="{}. {}"', why.title, why.explanation) if why else ""
    words = _("Stuck for %(length)s") % {"length": length}
    return format_html('<span class="tag warning"{}>{}{}</span>', title, icon("stuck"), words)


@register.simple_tag
def contradiction() -> SafeString:
    why = _("Z-API reported both a delivery and a failure.")
    words = _("Also failed")
    return format_html(
        '<span class="tag warning" title="{}">{}{}</span>', why, icon("stuck"), words
    )


@register.simple_tag(takes_context=True)
def address_text(context: Context, shown: Address) -> str:
    """An address without markup, for an attribute."""
    return shown.words(whole=sees_phones(context["user"])) if shown.value else _("no address")


@register.simple_tag(takes_context=True)
def address(context: Context, shown: Address) -> SafeString:
    kind = shown.kind
    if shown.value:
        font = "" if kind is AddressKind.PHONE else " mono"
        shown_as = shown.words(whole=sees_phones(context["user"]))
        text = f'<span class="address-text{font}">{escape(shown_as)}</span>'
    else:
        nobody = _("no address")
        text = f'<span class="soft">{escape(nobody)}</span>'
    tag = _kind_tag(render_context.language(), kind)
    # No format_html here, for the reason given in moment().
    return mark_safe(f'<span class="address">{text}{tag}</span>')  # noqa: S308


@cache
def _kind_tag(_language: str | None, kind: AddressKind) -> str:
    match kind:
        case AddressKind.GROUP:
            return format_html(' <span class="tag">{}{}</span>', icon("group"), _("Group"))
        case AddressKind.LIST:
            words = _("Broadcast list")
            return format_html(' <span class="tag">{}{}</span>', icon("broadcast"), words)
        case AddressKind.STATUS:
            return format_html(' <span class="tag">{}{}</span>', icon("clock"), _("Status"))
        case AddressKind.CHANNEL:
            return format_html(' <span class="tag">{}{}</span>', icon("channel"), _("Channel"))
        case AddressKind.LID:
            why = _("WhatsApp’s private id for a person. It does not reveal the phone number.")
            return format_html(' <abbr class="tag" title="{}">{}LID</abbr>', why, icon("lid"))
        case _:
            return ""
