"""Which addresses are called, and which never."""

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

NUMBERS = st.ip_addresses(v=4) | st.ip_addresses(v=6)


def answering(*numbers):
    """A resolver that finds these."""
    return lambda host, port, **_: [(0, 0, 0, "", (number, port)) for number in numbers]


@pytest.mark.parametrize("number", PRIVATE)
def test_a_private_number_is_not_public(number):
    assert not is_public(number)


@pytest.mark.parametrize("number", PUBLIC)
def test_a_public_number_is(number):
    assert is_public(number)


@given(number=NUMBERS)
def test_nothing_is_public_that_python_knows_to_be_special(number):
    is_special = not number.is_global or number.is_multicast or number.is_loopback
    assert not (is_special and is_public(str(number)))


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
def test_an_address_that_is_none_is_explained(url, words):
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
def test_a_private_host_is_seen_without_asking_anybody(host):
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
def test_an_address_is_taken_apart(url, host, port, target):
    address = parse_url(url, allow_private=False)
    assert (address.host, address.port, address.target) == (host, port, target)


@pytest.mark.parametrize("number", PRIVATE)
def test_a_name_that_leads_to_a_private_number_is_refused(number):
    address = parse_url("https://crm.example.com/", allow_private=False)
    with pytest.raises(UnsafeUrlError, match="private network"):
        resolve(address, allow_private=False, resolver=answering(number))
    with pytest.raises(UnsafeUrlError, match="private network"):
        resolve(address, allow_private=False, resolver=answering("8.8.8.8", number))


def test_private_numbers_are_called_where_that_is_allowed():
    address = parse_url("https://crm.example.com/", allow_private=True)
    found = resolve(address, allow_private=True, resolver=answering("10.0.0.1", "10.0.0.1"))
    assert found == ["10.0.0.1"]


def test_the_systems_resolver_knows_this_machine():
    address = parse_url("https://crm.example.com/", allow_private=False)

    def resolver(host, port, **options):
        return socket.getaddrinfo("localhost", port, **options)

    with pytest.raises(UnsafeUrlError):
        resolve(address, allow_private=False, resolver=resolver)
