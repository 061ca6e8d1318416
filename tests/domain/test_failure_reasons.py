"""Z-API's reasons for a failure, in the reader's language."""

import pytest
from django.utils import translation

from messages.dashboard.messages.timeline import headline_of
from messages.domain import failure_reasons
from messages.domain.failure_reasons import translate_reason
from messages.domain.statuses import Status
from messages.templatetags.statusboard_tags import status_badge


@pytest.fixture
def _translated(monkeypatch):
    """Use a fixed translation, independent of the .po file."""
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
def test_known_reason_with_a_code_is_translated_and_keeps_its_code(reason, words):
    assert translate_reason(reason) == words


@pytest.mark.usefixtures("_translated")
def test_badge_of_a_translated_reason_shows_the_original_on_hover():
    badge = status_badge(headline_of(Status.FAILED, "Message could not be sent"))
    assert 'title="Message could not be sent"' in badge
    assert "Failed: Não enviada" in badge


def test_known_reason_in_english_stays_unchanged():
    with translation.override("en"):
        assert translate_reason("Phone number does not exist") == "Phone number does not exist"
