"""The context of the base template: the current section and the preferences."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from messages.dashboard.administration.links import may_administer
from messages.domain.durations import UTC, zone_label

from .views import theme_of


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str | Promise
    is_current: bool
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    legend: Promise
    name: str
    action: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Board:
    company: str
    section: str
    theme: str
    zone: str
    # A function, because only pages with the header need it.
    may_administer: Callable[[], bool]
    settings: tuple[Setting, ...]


def board(request: HttpRequest) -> dict[str, Board]:
    theme, zone = theme_of(request), timezone.get_current_timezone_name()
    choices = (_language_setting(), _theme_setting(theme), _zone_setting(zone))
    in_words = zone_label(zone, timezone.localtime())
    return {
        "board": Board(
            company=settings.COMPANY_NAME,
            section=_section(request),
            theme=theme,
            zone=in_words,
            may_administer=lambda: may_administer(request.user),
            settings=choices,
        )
    }


# By the prefix of the view's name.
_SECTIONS = {
    "dashboard:message": "messages",
    "dashboard:recipient": "messages",
    "dashboard:label": "messages",
    "dashboard:export": "messages",
    "dashboard:overview": "overview",
    "dashboard:instance": "instances",
    "dashboard:incident": "attention",
    "dashboard:worker": "attention",
    "dashboard:channel": "attention",
    "dashboard:health": "health",
    "dashboard:quarantine": "health",
    "dashboard:people": "people",
    "dashboard:person": "people",
    "dashboard:administration": "administration",
    "dashboard:api-key": "administration",
    "dashboard:retention": "administration",
    "dashboard:privacy": "administration",
    "dashboard:hold": "administration",
    "dashboard:audit": "administration",
}


def _section(request: HttpRequest) -> str:
    """The entry of the main navigation that a page belongs to."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    sections = (section for start, section in _SECTIONS.items() if name.startswith(start))
    return next(sections, "")


def _language_setting() -> Setting:
    current = translation.get_language()
    options = tuple(
        Option(code, translation.get_language_info(code)["name_local"], code == current, lang=code)
        for code, _name in settings.LANGUAGES
    )
    return Setting(_("Language"), "language", reverse("dashboard:set_language"), options)


def _theme_setting(current: str) -> Setting:
    labels = {
        "auto": pgettext_lazy("theme", "Auto"),
        "light": pgettext_lazy("theme", "Light"),
        "dark": pgettext_lazy("theme", "Dark"),
    }
    options = tuple(Option(value, label, value == current) for value, label in labels.items())
    return Setting(_("Theme"), "theme", reverse("dashboard:preferences"), options)


def _zone_setting(current: str) -> Setting:
    mine = Option("", pgettext_lazy("time zone", "Mine"), current != UTC)
    utc = Option(UTC, "UTC", current == UTC)
    return Setting(_("Times"), "time_zone", reverse("dashboard:preferences"), (mine, utc))
