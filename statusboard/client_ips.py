"""Who is calling, also from behind proxies of ours."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from django.conf import settings

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

_HEADERS: Final = {"X-Forwarded-For": "HTTP_X_FORWARDED_FOR", "Forwarded": "HTTP_FORWARDED"}
# RFC 7239: an address, with a port where the proxy likes, in quotes where there are colons.
_NODE: Final = re.compile(
    r'"?(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<v4>[0-9.]{7,15}))(?::\d{1,5})?"?'
)
_SIGNS_OF_A_PROXY: Final = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"),
    *("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP"),
)


def client_ip(meta: Mapping[str, Any]) -> Address | None:
    """Who is calling, None where the server does not say.

    The header of the proxies grows to the right, and anyone can send the beginning of it. So it is
    read from the right, and only as far as each hop was reported by a proxy of ours.
    """
    address = peer_ip(meta)
    hops = meta.get(_HEADERS[settings.TRUSTED_PROXY_HEADER], "").split(",")
    while hops and is_in(address, settings.WEBHOOK_TRUSTED_PROXIES):
        hop = _hop(hops.pop())
        if hop is None:
            break
        address = hop
    return address


def client_network(meta: Mapping[str, Any]) -> str:
    """One subscriber: an IPv4 address, or the 64 bits of IPv6 that a provider gives out."""
    address = client_ip(meta)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address or "")


def peer_ip(meta: Mapping[str, Any]) -> Address | None:
    """Who holds the other end of the connection: the client, or a proxy."""
    return _address(meta.get("REMOTE_ADDR", ""))


def came_through_proxy(meta: Mapping[str, Any]) -> bool:
    """Whether a proxy, known to the settings or not, says that it passed this request on."""
    return any(name in meta for name in _SIGNS_OF_A_PROXY)


def _hop(text: str) -> Address | None:
    """One element of the header. None where it has no address, such as for=unknown."""
    if settings.TRUSTED_PROXY_HEADER != "Forwarded":
        return _address(text)
    pairs = [pair.strip().partition("=") for pair in text.split(";")]
    nodes = [value for name, _, value in pairs if name.lower() == "for"]
    found = _NODE.fullmatch(nodes[0]) if len(nodes) == 1 else None
    return _address(found["v6"] or found["v4"]) if found else None


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_in(address: Address | None, networks: Networks) -> bool:
    return address is not None and any(address in network for network in networks)
