"""Links that leave this server: in e-mails, in notifications, and shown to be handed over."""

from django.conf import settings


def absolute_url(path: str) -> str:
    """The URL of a path by PUBLIC_BASE_URL, never by the Host header, which the caller chooses."""
    return f"{settings.PUBLIC_BASE_URL or settings.LOCAL_BASE_URL}{path}"
