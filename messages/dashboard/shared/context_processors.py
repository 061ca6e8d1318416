"""The context of the base template: the current section and the preferences."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

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
    settings: tuple[Setting, ...]


def board(request: HttpRequest) -> dict[str, Board]:
    theme, zone = theme_of(request), timezone.get_current_timezone_name()
    choices = (_language_setting(), _theme_setting(theme), _zone_setting(zone))
    in_words = zone_label(zone, timezone.localtime())
    return {"board": Board(settings.COMPANY_NAME, _section(request), theme, in_words, choices)}


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
