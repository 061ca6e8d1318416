"""Every URL of the site, for tests that open all of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver

from messages.instances.webhook_keys import WebhookKey, sign

_SOME_UUID = UUID(int=1)


@dataclass(frozen=True, slots=True, order=True)
class Route:
    name: str
    pattern: str

    def path(self, pk: int = 1, uuid: UUID = _SOME_UUID, text: str = "1-x") -> str:
        """The URL of the route with the given or default values for its parameters."""
        path = re.sub(r"\(\?P<\w+>[^)]*\)", text, self.pattern)
        path = path.replace("<str:key>", sign(WebhookKey("instance.id", 1)))
        path = re.sub(r"<uuid:\w+>", str(uuid), path)
        path = re.sub(r"<(str|slug|path):\w+>|<\w+>", text, path)
        return "/" + re.sub(r"<\w+:\w+>", str(pk), path).translate({ord(c): None for c in "^$\\"})


def _walk(
    patterns: list[URLPattern | URLResolver], prefix: str = "", namespace: str = ""
) -> Iterator[Route]:
    for item in patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            inner = f"{namespace}{item.namespace}:" if item.namespace else namespace
            yield from _walk(item.url_patterns, route, inner)
        else:
            yield Route(f"{namespace}{item.name}", route)


ROUTES = sorted(set(_walk(get_resolver().url_patterns)))
# Without the routes of Django admin, which Django tests itself.
OWN_ROUTES = [route for route in ROUTES if not route.name.startswith("admin:")]
