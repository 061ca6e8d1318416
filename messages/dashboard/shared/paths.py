from functools import cache

from django.urls import reverse


@cache
def path_of(page: str) -> str:
    """Of a page without arguments: its neighbours link to it by the dozen, with other filters."""
    return reverse(f"dashboard:{page}")
