"""Tags of instances."""

import re
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from messages.models import Instance, Tag

MAX_TAG_LENGTH = 50
_BETWEEN_SEPARATORS = re.compile(r"[^,;|\n]++")


def read_tags(text: str) -> list[str]:
    """Split comma-separated tags and remove duplicates, ignoring case."""
    parts = dict.fromkeys(_BETWEEN_SEPARATORS.findall(text))
    words = (" ".join(part.split())[:MAX_TAG_LENGTH] for part in parts)
    return list({word.lower(): word for word in words if word}.values())


def tagged_instances(names: Iterable[str]) -> list[int]:
    """The primary keys of the instances with any of these tags, ignoring case."""
    named = [("tags__name__iexact", name) for name in names]
    found = Instance.objects.filter(Q(*named, _connector=Q.OR))
    return list(found.order_by("pk").values_list("pk", flat=True).distinct())


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
