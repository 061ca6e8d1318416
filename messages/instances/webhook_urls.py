from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve

from messages.domain.problems import Problem
from messages.models import Instance, Webhook
from statusboard.absolute_urls import absolute_url

from . import webhook_keys


def webhook_url(instance: Instance) -> str:
    """Return the URL that Z-API must call. It contains the instance's id and secret key."""
    key = webhook_keys.WebhookKey(instance.shown_id, instance.key_version)
    return absolute_url(webhook_keys.webhook_path(key))


def why_push_is_off() -> Problem | None:
    url = urlsplit(settings.PUBLIC_BASE_URL)
    if not settings.PUBLIC_BASE_URL:
        return Problem.PUBLIC_URL_MISSING
    if not settings.DEMO and (url.scheme != "https" or not url.hostname):
        return Problem.PUBLIC_URL_NOT_HTTPS
    return None


def key_of(url: str) -> webhook_keys.WebhookKey | None:
    """Return the key in one of our webhook URLs; None for any other URL."""
    try:
        match = resolve(urlsplit(url).path)
    except (Resolver404, ValueError):
        return None
    return webhook_keys.verify(match.kwargs["key"]) if match.view_name == "webhooks:zapi" else None


def is_ours(url: str) -> bool:
    """Whether it is one of our webhook URLs, also with another host or an older key."""
    return key_of(url) is not None


def instances_with_unknown_keys() -> list[Instance]:
    """Return the instances whose pushed URL no key of WEBHOOK_SIGNING_KEYS verifies any more."""
    pushed = Webhook.objects.exclude(pushed_url="").filter(instance__archived_at=None)
    found = {
        webhook.instance
        for webhook in pushed.select_related("instance")
        if not is_ours(webhook.pushed_url)
    }
    return sorted(found, key=lambda instance: instance.name)
