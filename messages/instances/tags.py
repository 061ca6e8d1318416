"""Tags of instances."""

import re
from collections.abc import Iterable, Sequence

from django.db import transaction

from messages.models import Instance, Tag

MAX_TAG_LENGTH = 50
_BETWEEN_SEPARATORS = re.compile(r"[^,;|\n]++")


def read_tags(text: str) -> list[str]:
    """Split comma-separated tags and remove duplicates, ignoring case."""
    parts = dict.fromkeys(_BETWEEN_SEPARATORS.findall(text))
    words = (" ".join(part.split())[:MAX_TAG_LENGTH] for part in parts)
    return list({word.lower(): word for word in words if word}.values())


@transaction.atomic
def set_tags(instance: Instance, names: Iterable[str]) -> None:
    instance.tags.set(_tags(names))
    Tag.objects.filter(instances=None).delete()


def add_tags(instance: Instance, names: Iterable[str]) -> None:
    instance.tags.add(*_tags(names))


def _tags(names: Iterable[str]) -> Sequence[Tag]:
    # get_or_create, as another request may create the same tag at the same time.
    return [
        Tag.objects.get_or_create(name__iexact=name, defaults={"name": name})[0] for name in names
    ]
