"""Who may knock: the networks let in, and how often a stranger may try a key."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from statusboard.client_ips import Networks, client_ip, is_in
from statusboard.rate_limiter import ClientRateLimiter

TOO_MANY = "Too many requests with a wrong key."

wrong_keys = ClientRateLimiter("WEBHOOK_WRONG_KEYS_PER_MINUTE", "wrong webhook keys")


def admits(meta: Mapping[str, Any]) -> bool:
    """Whether the caller's network is allowed; all are when none is configured."""
    networks: Networks = settings.WEBHOOK_ALLOWED_NETWORKS
    return not networks or is_in(client_ip(meta), networks)
