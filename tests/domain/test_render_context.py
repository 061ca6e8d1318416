"""The language, time zone and current time used to format times, fixed within a `with` block."""

from datetime import UTC
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from messages.domain import render_context
from messages.domain.render_context import fixed_render_context


def test_context_without_a_block_follows_language_and_zone():
    with translation.override("pt-br"), timezone.override(ZoneInfo("America/Manaus")):
        seen = render_context.language(), str(render_context.zone())
    assert seen == ("pt-br", "America/Manaus")


def test_time_within_a_block_does_not_change():
    with fixed_render_context():
        assert render_context.now() is render_context.now()


def test_context_after_a_block_is_looked_up_again():
    with translation.override("pt-br"), timezone.override(UTC), fixed_render_context():
        pass
    with translation.override("en"):
        assert render_context.language() == "en"
