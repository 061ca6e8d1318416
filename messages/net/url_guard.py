"""Which addresses may be called. Calls nobody itself: whoever resolves names is handed in.

What somebody types into a form must not reach what only this server can reach: its own ports, its
neighbours, the cloud's metadata. A name proves nothing, so the numbers that it resolves to are
checked, and the caller connects to the very number that was checked.
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

# As socket.getaddrinfo.
Resolver = Callable[..., list[tuple[Any, Any, int, str, tuple[Any, ...]]]]

# IANA's registry of special IPv4 addresses. Spelled out, because what `ipaddress` thinks of them
# has changed from one Python to the next.
_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # looks public, but is Azure's own, inside every machine there
        ),
    )
)
# Everything public in IPv6 is in here; what wraps an IPv4 address (mapped, NAT64) is not.
_PUBLIC_6 = IPv6Network("2000::/3")
# Except protocols' own and Teredo, documentation, and 6to4, which wraps an IPv4 address too.
_NOT_PUBLIC_6 = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
)
# In characters. Encoding a host's name takes the square of its length, so none is longer than DNS
# allows.
_MAX_URL_LENGTH = 2048
_MAX_HOST_LENGTH = 253
_NEVER_IN_AN_ADDRESS = re.compile(r"[\s\\\x00-\x1f\x7f]")


class UnsafeUrlError(ValueError):
    """An address that is not called. Its text is for a person, and does not quote the address."""

    def __init__(self, words: Promise) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart. `target` is what stands in the request's first line."""

    is_https: bool
    host: str
    port: int
    target: str


def parse_url(url: str, *, allow_private: bool) -> Address:
    """Take a URL apart, asking no name server. Raises UnsafeUrlError."""
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
    return Address(is_https, host, port or (443 if is_https else 80), target)


def resolve(
    address: Address, *, allow_private: bool, resolver: Resolver = socket.getaddrinfo
) -> list[str]:
    """Give the numbers to connect to, in the resolver's order. All of them must be public.

    Raises UnsafeUrlError, or OSError where the name is not found.
    """
    found = resolver(address.host, address.port, type=socket.SOCK_STREAM)
    numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(map(is_public, numbers)):
        raise _private()
    return numbers


def is_public(number: str) -> bool:
    """Whether this IP address belongs to the public internet and to one machine there."""
    match ip_address(number):
        case IPv4Address() as four:
            return not any(four in network for network in _NOT_PUBLIC_4)
        case IPv6Address() as six:
            return six in _PUBLIC_6 and not any(six in network for network in _NOT_PUBLIC_6)


def _split(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > _MAX_URL_LENGTH:
        raise _no_address()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets that do not match, a port that is no number
        raise _no_address() from None
    if not parts.hostname or port == 0 or _NEVER_IN_AN_ADDRESS.search(url):
        raise _no_address()
    return parts, port


def _plain_host(host: str) -> str:
    """As name servers are asked: ASCII, lower case."""
    if len(host) > _MAX_HOST_LENGTH:
        raise _no_address()
    try:
        return host if ":" in host else host.encode("idna").decode().lower()
    except UnicodeError:
        raise _no_address() from None


def _is_private_name(host: str) -> bool:
    """Whether a look suffices: this machine's own name, or a number in any of its spellings."""
    if host.rstrip(".").rpartition(".")[2] == "localhost":
        return True
    try:
        return not is_public(host)
    except ValueError:
        pass
    try:
        # 127.1, 0x7f000001, 2130706433: no name server is asked for these either.
        return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:
        return False


def _no_address() -> UnsafeUrlError:
    return UnsafeUrlError(_("Enter a complete URL, such as https://host/path."))


def _private() -> UnsafeUrlError:
    return UnsafeUrlError(
        _(
            "This URL is in a private network and is blocked. To allow it, the operator must set "
            "FORWARD_ALLOW_PRIVATE."
        )
    )
