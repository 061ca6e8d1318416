from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messages.models import Instance
from statusboard.absolute_urls import absolute_url

from . import webhook_keys


def webhook_url(instance: Instance) -> str:
    """Give the URL that Z-API is to call. It holds the instance's secret key, and its id."""
    key = webhook_keys.WebhookKey(instance.shown_id, instance.key_version)
    return absolute_url(webhook_keys.webhook_path(key))


def why_push_is_off() -> Promise | None:
    url = urlsplit(settings.PUBLIC_BASE_URL)
    if not settings.PUBLIC_BASE_URL:
        return _(
            "Pushing is off: Statusboard does not know its public URL. Set "
            "PUBLIC_BASE_URL=https://your-server in the environment or in .env and restart."
        )
    if not settings.DEMO and (url.scheme != "https" or not url.hostname):
        return _(
            "Pushing is off: PUBLIC_BASE_URL must begin with https://, because Z-API only "
            "calls https URLs. Set PUBLIC_BASE_URL=https://your-server in the environment "
            "or in .env and restart."
        )
    return None


def key_of(url: str) -> webhook_keys.WebhookKey | None:
    """The key in a URL that this board gave out; None for a URL of somebody else."""
    try:
        match = resolve(urlsplit(url).path)
    except (Resolver404, ValueError):
        return None
    return webhook_keys.verify(match.kwargs["key"]) if match.view_name == "webhooks:zapi" else None


def is_ours(url: str) -> bool:
    """Whether this board gave the URL out, be it under another address or an older key."""
    return key_of(url) is not None
