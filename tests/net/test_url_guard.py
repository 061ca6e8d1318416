"""Which URLs and IPs may be called."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.net import UnsafeUrlError, parse_url
from messages.net.url_guard import is_public, resolve

PRIVATE = [
    *("0.0.0.1", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1"),
    *("127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "100::1", "fc00::1", "fd00::1"),
    *("fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1"),
    *("2001::7f00:1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.167.255.255", "2606:4700:4700::1111"]

IPS = st.ip_addresses(v=4) | st.ip_addresses(v=6)


def answering(*ips):
    """A resolver that returns these IPs."""
    return lambda host, port, **_: [(0, 0, 0, "", (ip, port)) for ip in ips]


@pytest.mark.parametrize("ip", PRIVATE)
def test_private_ip_is_not_public(ip):
    assert not is_public(ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_ip_is_public(ip):
    assert is_public(ip)


@given(ip=IPS)
def test_ip_that_python_knows_to_be_special_is_not_public(ip):
    is_special = not ip.is_global or ip.is_multicast or ip.is_loopback
    assert not (is_special and is_public(str(ip)))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://crm.example.com/", "must start with https"),
        ("ftp://crm.example.com/", "must start with https"),
        ("crm.example.com/hook", "complete URL"),
        ("https://", "complete URL"),
        ("https:///hook", "complete URL"),
        ("https://crm.example.com:0/", "complete URL"),
        ("https://crm.example.com:99999/", "complete URL"),
        ("https://crm.example.com:x/", "complete URL"),
        ("https://[::1/", "complete URL"),
        ("https://crm.example.com\\@127.0.0.1/", "complete URL"),
        ("https://crm.example.com/a b", "complete URL"),
        ("https://crm.example.com/\r\nHost: other", "complete URL"),
        ("https://a..example.com/", "complete URL"),
        ("https://user:password@crm.example.com/", "user name or password"),
        ("https://@crm.example.com/", "user name or password"),
    ],
)
def test_invalid_url_is_refused_with_an_explanation(url, words):
    with pytest.raises(UnsafeUrlError, match=words):
        parse_url(url, allow_private=False)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "board.localhost", "ｌocalhost", "127.0.0.1"),
        *("127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "１２７.0.0.1"),
        *("169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[fe80::1]"),
    ],
)
def test_private_host_is_refused_without_dns(host):
    with pytest.raises(UnsafeUrlError, match="private network"):
        parse_url(f"https://{host}/hook", allow_private=False)
    assert parse_url(f"http://{host}/hook", allow_private=True).target == "/hook"


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("https://crm.example.com", "crm.example.com", 443, "/"),
        ("https://CRM.example.com:8443/a/b?c=d#e", "crm.example.com", 8443, "/a/b?c=d"),
        ("https://crm.example.com?c=d", "crm.example.com", 443, "/?c=d"),
        ("https://ação.example.com/ç", "xn--ao-siap.example.com", 443, "/%C3%A7"),
        ("https://crm.example.com//a//b", "crm.example.com", 443, "//a//b"),
        ("https://[2606:4700::1]/a%2Fb", "2606:4700::1", 443, "/a%2Fb"),
    ],
)
def test_url_is_parsed(url, host, port, target):
    parsed = parse_url(url, allow_private=False)
    assert (parsed.host, parsed.port, parsed.target) == (host, port, target)


@pytest.mark.parametrize("ip", PRIVATE)
def test_host_that_resolves_to_a_private_ip_is_refused(ip):
    parsed = parse_url("https://crm.example.com/", allow_private=False)
    with pytest.raises(UnsafeUrlError, match="private network"):
        resolve(parsed, allow_private=False, resolver=answering(ip))
    with pytest.raises(UnsafeUrlError, match="private network"):
        resolve(parsed, allow_private=False, resolver=answering("8.8.8.8", ip))


def test_private_ip_is_returned_if_private_ips_are_allowed():
    parsed = parse_url("https://crm.example.com/", allow_private=True)
    found = resolve(parsed, allow_private=True, resolver=answering("10.0.0.1", "10.0.0.1"))
    assert found == ["10.0.0.1"]


def test_host_that_the_system_resolves_to_localhost_is_refused():
    parsed = parse_url("https://crm.example.com/", allow_private=False)

    def resolver(host, port, **options):
        return socket.getaddrinfo("localhost", port, **options)

    with pytest.raises(UnsafeUrlError):
        resolve(parsed, allow_private=False, resolver=resolver)
