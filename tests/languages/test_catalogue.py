"""The Portuguese translations are complete, up to date and compiled.

`make messages` fixes most failures.
"""

import re

import polib
import pytest
from django.conf import settings

from .sources import Entry, marked

FOLDER = settings.LOCALE_PATHS[0] / "pt_BR" / "LC_MESSAGES"
# Placeholders: %(name)s, %d, {}, {name} and HTML tags.
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|<[^>]+>")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def key(entry: polib.POEntry | polib.MOEntry) -> Entry:
    return Entry(entry.msgid, entry.msgid_plural or "", entry.msgctxt)


def translations(entry: polib.POEntry | polib.MOEntry) -> list[str]:
    return [*entry.msgstr_plural.values()] if entry.msgid_plural else [entry.msgstr]


def test_catalogue_contains_exactly_the_strings_of_the_sources(catalogue):
    assert {key(entry) for entry in catalogue} == marked()


def test_every_string_is_translated(catalogue):
    assert not [entry.msgid for entry in catalogue.untranslated_entries()]
    assert not [entry.msgid for entry in catalogue.fuzzy_entries()]


def test_singular_and_plural_are_translated(catalogue):
    for entry in catalogue:
        if entry.msgid_plural:
            assert [*entry.msgstr_plural] == [0, 1], entry.msgid


def test_translations_keep_every_placeholder(catalogue):
    for entry in catalogue:
        wanted = set(PLACEHOLDER.findall(entry.msgid))
        for text in translations(entry):
            assert set(PLACEHOLDER.findall(text)) == wanted, entry.msgid


def test_compiled_catalogue_is_up_to_date(catalogue):
    compiled = polib.mofile(str(FOLDER / "django.mo"))
    assert {key(entry): translations(entry) for entry in compiled} == {
        key(entry): translations(entry) for entry in catalogue
    }
    assert compiled.metadata["Plural-Forms"] == catalogue.metadata["Plural-Forms"]


def test_translations_never_say_unread(catalogue):
    """A message without a read confirmation may have been read."""
    said = " ".join(text for entry in catalogue for text in translations(entry)).lower()
    assert not re.search(r"não[ -]lid|não foi lida|ainda não leu", said)
