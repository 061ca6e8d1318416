"""Who is calling, also from behind proxies of ours."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


def client_address(meta: Mapping[str, Any]) -> Address | None:
    """Who is calling, None where the server does not say.

    X-Forwarded-For grows to the right, and anyone can send the beginning of it. So it is read from
    the right, and only as far as each hop was reported by a proxy of ours.
    """
    address = _address(meta.get("REMOTE_ADDR", ""))
    hops = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and is_in(address, settings.WEBHOOK_TRUSTED_PROXIES):
        hop = _address(hops.pop())
        if hop is None:
            break
        address = hop
    return address


def client_network(meta: Mapping[str, Any]) -> str:
    """One subscriber: an IPv4 address, or the 64 bits of IPv6 that a provider gives out."""
    address = client_address(meta)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or "")


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_in(address: Address | None, networks: Networks) -> bool:
    return address is not None and any(address in network for network in networks)
