from typing import Any

from django.http import HttpRequest


def board(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame shows."""
    return {}
