"""The client's IP, also behind our own proxies."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from django.conf import settings

IPAddress = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

_HEADERS: Final = {"X-Forwarded-For": "HTTP_X_FORWARDED_FOR", "Forwarded": "HTTP_FORWARDED"}
# RFC 7239: an IP with an optional port, in quotes if it contains colons.
_NODE: Final = re.compile(
    r'"?(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<v4>[0-9.]{7,15}))(?::\d{1,5})?"?'
)
_PROXY_HEADERS: Final = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"),
    *("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP"),
)


def client_ip(meta: Mapping[str, Any]) -> IPAddress | None:
    """The client's IP, or None if the server does not report it.

    Each proxy appends to the header, and anyone can send its beginning. The header is read from the
    right. Reading stops at the first IP that is not one of our proxies.
    """
    ip = peer_ip(meta)
    hops = meta.get(_HEADERS[settings.TRUSTED_PROXY_HEADER], "").split(",")
    while hops and is_in(ip, settings.WEBHOOK_TRUSTED_PROXIES):
        hop = _hop(hops.pop())
        if hop is None:
            break
        ip = hop
    return ip


def client_network(meta: Mapping[str, Any]) -> str:
    """One subscriber: an IPv4 address, or the /64 network that a provider assigns in IPv6."""
    ip = client_ip(meta)
    if isinstance(ip, IPv6Address):
        return str(ip_network((ip, 64), strict=False))
    return str(ip or "")


def peer_ip(meta: Mapping[str, Any]) -> IPAddress | None:
    """The IP at the other end of the connection: the client or a proxy."""
    return _ip(meta.get("REMOTE_ADDR", ""))


def came_through_proxy(meta: Mapping[str, Any]) -> bool:
    """Whether any proxy, trusted or not, says that it forwarded this request."""
    return any(name in meta for name in _PROXY_HEADERS)


def _hop(text: str) -> IPAddress | None:
    """The IP in one element of the header. None if it has none, such as for=unknown."""
    if settings.TRUSTED_PROXY_HEADER != "Forwarded":
        return _ip(text)
    pairs = [pair.strip().partition("=") for pair in text.split(";")]
    nodes = [value for name, _, value in pairs if name.lower() == "for"]
    found = _NODE.fullmatch(nodes[0]) if len(nodes) == 1 else None
    return _ip(found["v6"] or found["v4"]) if found else None


def _ip(text: str) -> IPAddress | None:
    try:
        ip = ip_address(text.strip())
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip


def is_in(ip: IPAddress | None, networks: Networks) -> bool:
    return ip is not None and any(ip in network for network in networks)
