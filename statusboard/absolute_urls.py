"""URLs of this site for use elsewhere, and checks of paths to redirect to."""

from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme


def absolute_url(path: str) -> str:
    """The URL of a path by PUBLIC_BASE_URL, never by the Host header, which the client chooses."""
    return f"{settings.PUBLIC_BASE_URL or settings.LOCAL_BASE_URL}{path}"


def is_path_of_site(url: str | None) -> bool:
    """Whether a `next` parameter may be followed: only a path, without a scheme or host."""
    if not url or not url.startswith("/"):
        return False
    return url_has_allowed_host_and_scheme(url, allowed_hosts=None)
