"""Z-API's reasons for a failure, in the reader's language."""

import pytest
from django.utils import translation

from messages.dashboard.messages.timeline import headline_of
from messages.domain import failure_reasons
from messages.domain.failure_reasons import in_words
from messages.domain.statuses import Status
from messages.templatetags.statusboard_tags import status_badge


@pytest.fixture
def _translated(monkeypatch):
    """As a reader of another language has it, whatever the catalogue says."""
    monkeypatch.setitem(failure_reasons._KNOWN, "message could not be sent", "Não enviada")


@pytest.mark.usefixtures("_translated")
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Message could not be sent", "Não enviada"),
        ("message could not be sent.", "Não enviada"),
        ("Message could not be sent (SHADOW_BAN)", "Não enviada (SHADOW_BAN)"),
        ("Something new (X)", "Something new (X)"),
        ("", ""),
    ],
)
def test_a_known_reason_is_translated_and_keeps_its_code(reason, words):
    assert in_words(reason) == words


@pytest.mark.usefixtures("_translated")
def test_zapis_own_words_are_there_on_hover():
    badge = status_badge(headline_of(Status.FAILED, "Message could not be sent"))
    assert 'title="Message could not be sent"' in badge
    assert "Failed: Não enviada" in badge


def test_in_english_they_stay_as_they_are():
    with translation.override("en"):
        assert in_words("Phone number does not exist") == "Phone number does not exist"
