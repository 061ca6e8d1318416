"""Decides which URLs may be called (protection against server-side request forgery).

A URL from a form must not reach what only this server can reach: its own ports, its network, the
cloud's metadata. A host name proves nothing, so the IPs that it resolves to are checked. The caller
must connect to one of these IPs. The resolver is a parameter; nothing here calls the URL.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.utils.encoding import iri_to_uri
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The same signature as socket.getaddrinfo.
Resolver = Callable[..., list[tuple[Any, Any, int, str, tuple[Any, ...]]]]

# IANA's registry of special IPv4 networks. They are listed here, because the answers of the module
# `ipaddress` differ between Python versions.
_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # looks public, but is an internal Azure service
        ),
    )
)
# All public IPv6 addresses. Addresses that contain an IPv4 address (mapped, NAT64) are not in this
# network.
_PUBLIC_6 = IPv6Network("2000::/3")
# Exceptions: protocol assignments and Teredo; documentation (2001:db8, 3fff); and 6to4, which
# contains an IPv4 address.
_NOT_PUBLIC_6 = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
)
# In characters. Encoding a host name takes time in proportion to the square of its length, so the
# limit is that of DNS.
_MAX_URL_LENGTH = 2048
_MAX_HOST_LENGTH = 253
_FORBIDDEN_IN_URL = re.compile(r"[\s\\\x00-\x1f\x7f]")


class UnsafeUrlError(ValueError):
    """A URL that must not be called. The message is for a person and does not quote the URL."""

    def __init__(self, message: Promise) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class ParsedUrl:
    """`target` is the path and the query, as in the first line of the request."""

    is_https: bool
    host: str
    port: int
    target: str


def parse_url(url: str, *, allow_private: bool) -> ParsedUrl:
    """Check and parse a URL without DNS. Raises UnsafeUrlError."""
    parts, port = _split(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise UnsafeUrlError(_("The URL must start with https://."))
    if parts.username is not None or parts.password is not None:
        raise UnsafeUrlError(_("The URL must not contain a user name or password."))
    host = _plain_host(parts.hostname or "")
    if not allow_private and _is_private_name(host):
        raise _private()
    target = iri_to_uri((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    is_https = parts.scheme == "https"
    return ParsedUrl(is_https, host, port or (443 if is_https else 80), target)


def resolve(
    url: ParsedUrl, *, allow_private: bool, resolver: Resolver = socket.getaddrinfo
) -> list[str]:
    """The IPs of a host, in the resolver's order. All of them must be public.

    Raises UnsafeUrlError, or OSError if the name is not found.
    """
    found = resolver(url.host, url.port, type=socket.SOCK_STREAM)
    ips = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(map(is_public, ips)):
        raise _private()
    return ips


def is_public(ip: str) -> bool:
    """Whether the IP belongs to a single machine on the public internet."""
    match ip_address(ip):
        case IPv4Address() as four:
            return not any(four in network for network in _NOT_PUBLIC_4)
        case IPv6Address() as six:
            return six in _PUBLIC_6 and not any(six in network for network in _NOT_PUBLIC_6)


def _split(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > _MAX_URL_LENGTH:
        raise _incomplete()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # unmatched brackets, or an invalid port
        raise _incomplete() from None
    if not parts.hostname or port == 0 or _FORBIDDEN_IN_URL.search(url):
        raise _incomplete()
    return parts, port


def _plain_host(host: str) -> str:
    """The host name in the form that DNS uses: ASCII, lower case."""
    if len(host) > _MAX_HOST_LENGTH:
        raise _incomplete()
    try:
        return host if ":" in host else host.encode("idna").decode().lower()
    except UnicodeError:
        raise _incomplete() from None


def _is_private_name(host: str) -> bool:
    """Whether the host is private without DNS: localhost, or a private IP in any notation."""
    if host.rstrip(".").rpartition(".")[2] == "localhost":
        return True
    try:
        return not is_public(host)
    except ValueError:
        pass
    try:
        # 127.1, 0x7f000001 and 2130706433 are IPs too.
        return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:
        return False


def _incomplete() -> UnsafeUrlError:
    return UnsafeUrlError(_("Enter a complete URL, such as https://host/path."))


def _private() -> UnsafeUrlError:
    return UnsafeUrlError(
        _(
            "This URL is in a private network and is blocked. To allow it, the operator must set "
            "FORWARD_ALLOW_PRIVATE."
        )
    )
