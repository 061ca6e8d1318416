"""What words of times depend on, asked for once or each time."""

from datetime import UTC
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from messages.domain import render_context
from messages.domain.render_context import fixed_render_context


def test_it_follows_language_and_zone():
    with translation.override("pt-br"), timezone.override(ZoneInfo("America/Manaus")):
        seen = render_context.language(), str(render_context.zone())
    assert seen == ("pt-br", "America/Manaus")


def test_within_one_it_is_one_and_the_same_time():
    with fixed_render_context():
        assert render_context.now() is render_context.now()


def test_behind_one_it_is_looked_up_again():
    with translation.override("pt-br"), timezone.override(UTC), fixed_render_context():
        pass
    with translation.override("en"):
        assert render_context.language() == "en"
