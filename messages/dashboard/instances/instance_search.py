"""The search of the instance list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlencode

from messages.accounts.scope import Viewer, limited_to
from messages.models import Instance, InstanceQuerySet
from messages.models.label import folded

_MAX_QUERY_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class InstanceSearch:
    """The search, read from the URL or from a form."""

    text: str = ""
    tag: str = ""
    archived: bool = False

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        text, tag = (given.get(name, "").strip()[:_MAX_QUERY_LENGTH] for name in ("q", "tag"))
        return cls(" ".join(text.split()), tag, archived="archived" in given)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.tag)

    def among(self, user: Viewer) -> InstanceQuerySet:
        """Return the instances that `user` may see and that contain every word."""
        every = Instance.objects.archived() if self.archived else Instance.objects.active()
        found = limited_to(user, every, path="")
        if self.tag:
            found = found.filter(tags__name__iexact=self.tag)
        return found.filter(pk__in=self._by_words(found)) if self.text else found

    def url(self, **more: object) -> str:
        """Return the query string of this search with changes."""
        chosen = {"q": self.text, "tag": self.tag, "archived": "1" if self.archived else ""}
        query = {name: value for name, value in (chosen | more).items() if value}
        return f"?{urlencode(query)}" if query else "?"

    def _by_words(self, among: InstanceQuerySet) -> list[int]:
        # Not in SQL: the databases do not ignore accents.
        words = folded(self.text).split()
        return [
            one.pk
            for one in among.prefetch_related("tags")
            if all(word in _searched(one) for word in words)
        ]


def _searched(instance: Instance) -> str:
    tags = (tag.name for tag in instance.tags.all())
    return folded("\n".join((instance.name, instance.shown_id, *tags)))
