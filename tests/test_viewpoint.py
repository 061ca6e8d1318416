"""What words of times depend on, asked for once or each time."""

from datetime import UTC
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from messages import viewpoint
from messages.viewpoint import one_viewpoint


def test_it_follows_language_and_zone():
    with translation.override("pt-br"), timezone.override(ZoneInfo("America/Manaus")):
        seen = viewpoint.language(), str(viewpoint.zone())
    assert seen == ("pt-br", "America/Manaus")


def test_within_one_it_is_one_and_the_same_time():
    with one_viewpoint():
        assert viewpoint.now() is viewpoint.now()


def test_behind_one_it_is_looked_up_again():
    with translation.override("pt-br"), timezone.override(UTC), one_viewpoint():
        pass
    with translation.override("en"):
        assert viewpoint.language() == "en"
